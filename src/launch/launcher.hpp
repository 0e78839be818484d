// SPDX-License-Identifier: Apache-2.0
// What pmd asks of either launcher beside the engine's port.
#pragma once

#include "engine/ports.hpp"

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

namespace pm::launch {

class Launcher : public engine::Launcher {
public:
    /// Hears the answers, never from inside a call of the launcher. Must be called once before the first launch().
    virtual void set_events(engine::LauncherEvents& events) = 0;
    /// PATH of apps that declare none, from the next launch on.
    virtual void set_path(std::string path) = 0;
    /// Users and groups that only the name service knows are looked up anew at the next launch.
    virtual void forget_accounts() = 0;
    /// Calls `done` when what was ended leaves nothing behind: at once, or from the loop, within moments. Before pmd ends.
    virtual void settle(std::function<void()> done) = 0;
    /// "direct" or "systemd".
    [[nodiscard]] virtual std::string_view name() const noexcept = 0;
    /// True when processes outlive pmd and adopt() finds them again.
    [[nodiscard]] virtual bool apps_outlive_us() const noexcept = 0;
    /// True when `pid` is one of the living processes of `key`: its main process, or one that this has started.
    [[nodiscard]] virtual bool owns(engine::ProcessKey key, pid_t pid) = 0;
    /// The living processes of `key`.
    [[nodiscard]] virtual std::vector<pid_t> members(engine::ProcessKey key) = 0;
    /// Runs the command of spec->health as a process of the app, killed with all it started after `timeout`. `done` is called once, from the
    /// loop, and may destroy the check. Null: it cannot be run now, try again. It must not outlive the launcher.
    [[nodiscard]] virtual std::unique_ptr<engine::Check> check(engine::ProcessKey key, model::Duration timeout, engine::Checked done) = 0;
    /// From now on nothing is launched: what is to be waits. Before another pmd is executed in the place of this one.
    virtual void pause() {}
    /// Launches what waits since pause().
    virtual void go_on() {}
    /// True when nothing is in the middle of its launch, and all that happened was told.
    [[nodiscard]] virtual bool at_rest() const { return true; }
    /// What a launcher executed in our place needs so that adopt() finds our processes. Empty: nothing.
    [[nodiscard]] virtual std::string state() const { return {}; }
    /// What the launcher of a pmd that comes after this one was killed needs to find these processes. Empty: nothing.
    [[nodiscard]] virtual std::string trace(std::span<const engine::ProcessKey>) { return {}; }
    /// Takes a trace() of a pmd that was killed. Before adopt().
    virtual void recover(const std::string&) {}
    /// All that the pmd before wrote down could be read: what it launched and did not write down is ended, before anything is
    /// launched in its place. After the last recover(), before the first adopt().
    virtual void end_unclaimed() {}
    /// Of a process that was recovered and lives, before it is adopted: a copy of its descriptor `number`; invalid: it has none,
    /// or we may not.
    [[nodiscard]] virtual base::Fd descriptor_of(engine::ProcessKey, int) { return {}; }
    /// The same of the pipe that it was given as its stdout (1) or stderr (2): an end to read from.
    [[nodiscard]] virtual base::Fd output_of(engine::ProcessKey, int) { return {}; }
    /// How processes are kept together, for people: "process trees", "a cgroup per app below ...".
    [[nodiscard]] virtual std::string description() const = 0;
};

} // namespace pm::launch
