// SPDX-License-Identifier: Apache-2.0
// Checks the instances that are online with what `health` says, again and again, and has those replaced whose checks fail.
//
// The next check begins a pause after the last one has ended, so that checks never pile up. An instance whose replacements turn out
// unhealthy, too, before one of their checks has succeeded, is replaced less and less often.
#pragma once

#include "engine/supervisor.hpp"
#include "io/event_loop.hpp"
#include "model/identity.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>

namespace pm::upkeep {

class Liveness {
public:
    static constexpr std::chrono::seconds kFirstPause{10};
    static constexpr std::chrono::minutes kLongestPause{16};

    /// Runs the command of a check for a process; engine::Check has the rules.
    using RunCommand = std::function<std::unique_ptr<engine::Check>(engine::ProcessKey key, model::Duration timeout, engine::Checked done)>;
    /// Whose connections are made; nothing: pmd's own.
    using UserOf = std::function<std::optional<model::Identity>(const model::AppSpec& spec)>;

    /// `warn` gets sentences for the daemon's own log.
    Liveness(io::EventLoop& loop, RunCommand run_command, UserOf user_of, std::function<void(const std::string&)> warn);
    ~Liveness();
    Liveness(const Liveness&) = delete;
    Liveness& operator=(const Liveness&) = delete;
    /// Must be called before anything else.
    void set_supervisor(engine::Supervisor& supervisor) noexcept { supervisor_ = &supervisor; }

    /// The app is there, and may have changed in any way.
    void look_at(const std::string& app);
    void forget(const std::string& app);

private:
    struct Checked;
    /// Of an instance whose process was unhealthy.
    struct Patience {
        model::Duration pause = kFirstPause;
        model::TimePoint again{}; ///< it is not replaced before
    };
    struct App {
        std::map<engine::ProcessKey, std::unique_ptr<Checked>> online;
        std::map<base::InstanceId, Patience> patience;
    };

    void begin(const std::string& name, App& app, engine::ProcessKey key, base::Slot slot, const std::shared_ptr<const model::AppSpec>& spec);
    [[nodiscard]] Checked* find(const std::string& app, engine::ProcessKey key);
    void check(const std::string& app, engine::ProcessKey key);
    void on_checked(const std::string& app, engine::ProcessKey key, const base::Result<void>& result);
    void on_failed(const std::string& app, engine::ProcessKey key, Checked& checked, const std::string& why);
    void replace(const std::string& app, engine::ProcessKey key, const Checked& checked, const std::string& why);
    [[nodiscard]] model::Duration pause_of(const model::HealthSpec& health);

    io::EventLoop& loop_;
    RunCommand run_command_;
    UserOf user_of_;
    std::function<void(const std::string&)> warn_;
    engine::Supervisor* supervisor_ = nullptr;
    std::map<std::string, App> apps_; ///< those that are checked
    std::minstd_rand random_{std::random_device{}()};
};

} // namespace pm::upkeep
