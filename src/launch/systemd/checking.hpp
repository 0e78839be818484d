// SPDX-License-Identifier: Apache-2.0
// The command of one check in a transient unit of its own, beside that of the process it checks: PID 1 gives it what it gives the
// app (user, limits, sandbox), which a child of pmd, itself confined, could not have.
//
// The unit is a oneshot service: the end of its start job is the end of the command. Nothing of it stays loaded.
#pragma once

#include "launch/process/check_command.hpp"
#include "launch/systemd/manager_bus.hpp"
#include "launch/systemd/unit_process.hpp"
#include "launch/systemd_launcher.hpp"

#include <memory>
#include <optional>
#include <string>

namespace pm::launch {

class UnitCheck final : public engine::Check {
public:
    UnitCheck(SystemdLauncher::Impl& launcher, const UnitProcess& checked, model::Duration timeout, engine::Checked done);
    ~UnitCheck() override;
    UnitCheck(const UnitCheck&) = delete;
    UnitCheck& operator=(const UnitCheck&) = delete;

    /// Once. What fails here is told later, too.
    void begin(const UnitProcess& checked, model::Duration timeout);
    /// Its start job ended.
    void on_done(const std::string& result);

private:
    std::optional<model::ExitInfo> start(const UnitProcess& checked, model::Duration timeout);
    void hear();
    void end();
    void finish(const std::string& how);

    SystemdLauncher::Impl& launcher_;
    engine::LaunchRequest request_;
    model::Duration timeout_; ///< for the command, from its greeting on
    engine::Checked done_;
    std::string unit_;
    std::string failure_; ///< why the command could not be run
    bool asked_ = false;  ///< systemd has, or will have, the unit
    Talk talk_;
    base::Fd invitation_; ///< our end of the unit's stdin
    CheckOutput output_;
    io::Source timer_;
    std::shared_ptr<int> alive_ = std::make_shared<int>(); ///< for answers that come when this is gone
};

} // namespace pm::launch
