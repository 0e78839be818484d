// SPDX-License-Identifier: Apache-2.0
// Writes what changes of each app to a directory that lives as long as the apps may, for the next pmd to go on with: in memory (/run), where
// apps outlive pmd by themselves; else in the state directory, which nobody cleans, under the name of this life of the machine.
//
// What was removed leaves an empty mark only where it would be back with the next pmd. One file per app, written anew at the end of the loop's turn in which the app changed: a pmd that is killed loses nothing
// older than that. Nothing is synchronised with a disk, as nothing of it is worth anything after the machine. A file has the app as JSON; behind a zero byte, what the launcher wants to
// find its processes by.
#pragma once

#include "engine/supervisor.hpp"
#include "io/event_loop.hpp"
#include "io/log.hpp"
#include "launch/launcher.hpp"

#include <array>
#include <ctime>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace pm::daemon {

class StateKeeper final : public engine::Events {
public:
    /// Passes every event on to `next`. `directory` is made, 0700, when it is first needed; empty: nothing is kept.
    /// `removed` hears of apps that are gone. `comes_back`: whether an app of pmd's own user, of this name and origin, starts with the next pmd.
    StateKeeper(io::EventLoop& loop, io::Log& log, engine::Events& next, std::string directory,
                std::function<void(const std::string& app)> removed, std::function<bool(const std::string& app, const std::string& origin)> comes_back);
    /// Whose apps are kept, and who knows their processes. Must be called before the first event.
    void set_sources(const engine::Supervisor& supervisor, launch::Launcher& launcher) noexcept
    {
        supervisor_ = &supervisor;
        launcher_ = &launcher;
    }

    /// What an earlier pmd left, in order of creation; a file that cannot be read is told and left alone.
    struct Kept {
        engine::SavedApp app;
        std::string trace; ///< launch::Launcher::trace()
    };
    [[nodiscard]] std::vector<Kept> load();
    /// False when load() met a file that it could not read: there are processes that it does not know of.
    [[nodiscard]] bool all_read() const noexcept { return all_read_; }
    void make_directory();
    /// True when an app of this name was removed since the machine came up, and `file`, which has it, is there as it was then: it does not
    /// start with the next pmd.
    [[nodiscard]] bool was_removed(const std::string& app, const std::string& file) const;
    /// Writes anew what somebody removed.
    void put_back();
    /// Removes the marks of all others: nothing would bring them back.
    void keep_marks(const std::set<std::string>& apps);
    /// Writes what is still to be written.
    void flush();
    /// Forgets all, what was removed too: the apps were ended with pmd, the next one begins anew. Nothing is kept from then on.
    void clear();

    void process_event(const engine::ProcessEvent& event) override { next_.process_event(event); }
    void app_added(const std::string& app) override { next_.app_added(app); }
    void app_removed(const std::string& app) override;
    void app_changed(const std::string& app) override;
    void message(const engine::ProcessMessage& message) override { next_.message(message); }

private:
    [[nodiscard]] std::string path_of(const std::string& app) const;
    [[nodiscard]] std::string mark_of(const std::string& app) const;
    void write(const std::string& app);
    /// Apps of others do not start with pmd, or are taken from the list of those that do (`removed`).
    void remember_origin(const engine::SavedApp& app);
    [[nodiscard]] std::string trace(const engine::SavedApp& app) const;

    io::Log& log_;
    engine::Events& next_;
    std::string directory_;
    std::function<void(const std::string&)> removed_;
    const engine::Supervisor* supervisor_ = nullptr;
    launch::Launcher* launcher_ = nullptr;
    std::function<bool(const std::string&, const std::string&)> comes_back_;
    std::map<std::string, std::string> origins_; ///< of the apps of pmd's own user
    bool all_read_ = true;
    std::set<std::string> changed_;
    std::map<std::string, std::array<timespec, 2>> marked_; ///< removed in the time of this pmd, and the times of the mark
    io::Source turn_;
    /// What is written of an app's declaration each time that its state changes.
    struct SpecText {
        std::weak_ptr<const model::AppSpec> spec;
        std::string text;
    };
    [[nodiscard]] const std::string& text_of(const std::string& app, const std::shared_ptr<const model::AppSpec>& spec);
    std::map<std::string, SpecText> texts_;
    std::set<std::string> complained_; ///< apps whose file could not be written, said once each
};

} // namespace pm::daemon
