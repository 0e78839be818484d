// SPDX-License-Identifier: Apache-2.0
// Replaces processes of apps in time: those that hold too much memory (max_memory_restart), and all of an app when its time has
// come (cron_restart) or its files have changed (watch, see file_changes.hpp), and those whose checks fail (health, see liveness.hpp). Replaced is
// what is online, as by a reload; nothing is ever started that a command stopped.
//
// Nothing is measured, and no timer runs, for apps that ask for nothing of the kind. Memory is looked at every few seconds, as no
// file of the kernel tells of it without slowing the process down (memory.high) or ending it (memory.max). What could not be replaced
// is left alone for a while, longer each time.
#pragma once

#include "engine/supervisor.hpp"
#include "io/event_loop.hpp"
#include "io/wall_timer.hpp"
#include "model/cron.hpp"
#include "upkeep/file_changes.hpp"
#include "upkeep/liveness.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace pm::upkeep {

class Upkeep final : public engine::Events {
public:
    static constexpr std::chrono::seconds kBetweenLooks{2};
    static constexpr std::chrono::seconds kFirstPause{30};
    static constexpr std::chrono::minutes kLongestPause{16};

    /// The bytes that everything an instance runs holds and cannot give back; nothing: nobody knows.
    using Held = std::function<std::optional<std::uint64_t>(engine::ProcessKey key)>;

    /// What it asks of others.
    struct Ports {
        Held held;
        Liveness::RunCommand run_check;
        Watching::Start start_watching;
        FileChanges::UserOf user_of;
        /// What an instance writes is rotated so from now on.
        std::function<void(base::InstanceId id, const model::RotateSpec& rotation)> set_rotation;
        std::function<void(const std::string&)> warn; ///< gets sentences for the daemon's own log
    };
    /// Passes every event on to `next`. All must outlive this.
    Upkeep(io::EventLoop& loop, engine::Events& next, Ports ports);
    ~Upkeep() override;
    /// Whose apps are looked after. Must be called before the first event.
    void set_supervisor(engine::Supervisor& supervisor) noexcept
    {
        supervisor_ = &supervisor;
        files_.set_supervisor(supervisor);
        liveness_.set_supervisor(supervisor);
    }
    /// How many directories are watched for the app; nothing: none are, or it is not known yet.
    [[nodiscard]] std::optional<std::uint64_t> watched_directories(const std::string& app) const { return files_.directories(app); }

    void process_event(const engine::ProcessEvent& event) override;
    void app_added(const std::string& app) override;
    void app_removed(const std::string& app) override;
    void app_changed(const std::string& app) override;
    void message(const engine::ProcessMessage& message) override { next_.message(message); }

private:
    struct Schedule {
        std::string text;
        model::CronPattern pattern;
        std::optional<std::time_t> due;
    };
    /// An instance whose replacement was asked for.
    struct Asked {
        base::Generation generation; ///< that was to be replaced
        bool running = true;         ///< its replacement is under way
        std::chrono::seconds pause{kFirstPause};
        model::TimePoint again{};    ///< not before
    };
    struct App {
        std::optional<std::uint64_t> max_memory;
        std::optional<Schedule> schedule;
        std::map<base::InstanceId, Asked> asked;
    };

    void look_at(const std::string& app);
    void look_at_rotation(const std::string& app);
    void plan();
    void plan_times();
    void look_at_memory();
    void look_at_memory(const std::string& name, App& app);
    void replace_large(const std::string& name, App& app, const model::InstanceSnapshot& instance, std::uint64_t held);
    void look_at_clock();

    io::EventLoop& loop_;
    engine::Events& next_;
    Held held_;
    std::function<void(const std::string&)> warn_;
    FileChanges files_;
    Liveness liveness_;
    engine::Supervisor* supervisor_ = nullptr;
    std::map<std::string, App> apps_; ///< those that ask for something
    std::function<void(base::InstanceId, const model::RotateSpec&)> set_rotation_;
    std::map<std::string, model::RotateSpec> rotations_; ///< of apps whose files are rotated
    io::Source memory_timer_;
    bool looks_ = false; ///< memory_timer_ is armed
    io::WallTimer clock_;
    std::shared_ptr<bool> lives_ = std::make_shared<bool>(true); ///< for answers that come later
};

} // namespace pm::upkeep
