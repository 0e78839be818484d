// SPDX-License-Identifier: Apache-2.0
// What pmd asks of either launcher beside the engine's port.
#pragma once

#include "engine/ports.hpp"

#include <string>
#include <string_view>

namespace pm::launch {

class Launcher : public engine::Launcher {
public:
    /// Hears the answers, never from inside a call of the launcher. Must be called once before the first launch().
    virtual void set_events(engine::LauncherEvents& events) = 0;
    /// PATH of apps that declare none, from the next launch on.
    virtual void set_path(std::string path) = 0;
    /// Users and groups that only the name service knows are looked up anew at the next launch.
    virtual void forget_accounts() = 0;
    /// "direct" or "systemd".
    [[nodiscard]] virtual std::string_view name() const noexcept = 0;
    /// True when processes outlive pmd and adopt() finds them again.
    [[nodiscard]] virtual bool apps_outlive_us() const noexcept = 0;
    /// How processes are kept together, for people: "process trees", "a cgroup per app below ...".
    [[nodiscard]] virtual std::string description() const = 0;
};

} // namespace pm::launch
