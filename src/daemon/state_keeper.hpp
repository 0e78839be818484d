// SPDX-License-Identifier: Apache-2.0
// Writes what changes of each app to a directory that lives as long as the boot (/run), for the next pmd to go on with.
//
// What was removed leaves an empty mark. One file per app, written anew at the end of the loop's turn in which the app changed: a pmd that is killed loses nothing
// older than that. On tmpfs this is memory, not disk. Only for launchers whose apps outlive pmd.
#pragma once

#include "engine/supervisor.hpp"
#include "io/event_loop.hpp"
#include "io/log.hpp"

#include <functional>
#include <set>
#include <string>
#include <vector>

namespace pm::daemon {

class StateKeeper final : public engine::Events {
public:
    /// Passes every event on to `next`. `directory` is made, 0700, when it is first needed; empty: nothing is kept.
    /// `removed` hears of apps that are gone.
    StateKeeper(io::EventLoop& loop, io::Log& log, engine::Events& next, std::string directory,
                std::function<void(const std::string& app)> removed);
    /// Whose apps are kept. Must be called before the first event.
    void set_supervisor(const engine::Supervisor& supervisor) noexcept { supervisor_ = &supervisor; }

    /// What an earlier pmd of this boot left, in order of creation; a file that cannot be read is told and left alone.
    [[nodiscard]] std::vector<engine::SavedApp> load() const;
    /// True when an app of this name was removed since the machine came up: it does not start with the next pmd.
    [[nodiscard]] bool was_removed(const std::string& app) const;
    /// Writes what is still to be written.
    void flush();
    /// Forgets all, what was removed too: the apps were ended with pmd, the next one begins anew. Nothing is kept from then on.
    void clear();

    void process_event(const engine::ProcessEvent& event) override { next_.process_event(event); }
    void app_added(const std::string& app) override { next_.app_added(app); }
    void app_removed(const std::string& app) override;
    void app_changed(const std::string& app) override;
    void message(const std::string& app, base::InstanceId id, const std::string& json) override { next_.message(app, id, json); }

private:
    [[nodiscard]] std::string path_of(const std::string& app) const;
    [[nodiscard]] std::string mark_of(const std::string& app) const;
    void write(const std::string& app);

    io::Log& log_;
    engine::Events& next_;
    std::string directory_;
    std::function<void(const std::string&)> removed_;
    const engine::Supervisor* supervisor_ = nullptr;
    std::set<std::string> changed_;
    io::Source turn_;
    std::set<std::string> complained_; ///< apps whose file could not be written, said once each
};

} // namespace pm::daemon
