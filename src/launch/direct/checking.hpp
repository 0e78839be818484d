// SPDX-License-Identifier: Apache-2.0
// The command of one check, run by pm-exec as a child of pmd: a session of its own, killed as a whole when its time is over.
#pragma once

#include "launch/direct/generation.hpp"
#include "launch/direct_launcher.hpp"
#include "launch/process/check_command.hpp"

#include <optional>
#include <string>

namespace pm::launch {

class DirectCheck final : public engine::Check {
public:
    DirectCheck(DirectLauncher::Impl& launcher, const engine::LaunchRequest& checked, model::Duration timeout, engine::Checked done);
    ~DirectCheck() override;
    DirectCheck(const DirectCheck&) = delete;
    DirectCheck& operator=(const DirectCheck&) = delete;

    /// Once. What fails here is told later, too.
    void begin(const Generation& generation);
    /// It may have ended.
    void on_main();
    /// `how` it failed; empty: it did not.
    void finish(const std::string& how);

private:
    std::optional<model::ExitInfo> start(const Generation& generation);
    std::optional<model::ExitInfo> watch();
    void hear();
    void kill_all();
    void forget();
    void end();

    DirectLauncher::Impl& launcher_;
    engine::LaunchRequest request_;
    engine::Checked done_;
    std::string failure_; ///< why the command could not be run
    pid_t pid_ = 0;       ///< 0: not running, or reaped
    Watched main_;        ///< pidfd
    Talk talk_;
    CheckOutput output_;
    io::Source timer_;
};

} // namespace pm::launch
