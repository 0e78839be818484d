// SPDX-License-Identifier: Apache-2.0
// Replaces the instances of an app when its files have changed (watch): what is online as by a reload, and what has crashed,
// waits to be started again or ended by itself, is started anew. Of an app that a command stopped nothing is watched.
//
// Changes come in bunches - an editor, a compiler, git(1) -, so nothing is done until none has come for watch_delay, or for ten times
// as long as that after the first. What changes while instances are being replaced replaces them once more.
#pragma once

#include "engine/supervisor.hpp"
#include "upkeep/watching.hpp"

namespace pm::upkeep {

class FileChanges {
public:
    static constexpr int kMostDelays = 10;
    /// An app that is replaced so often in a minute is told to write into its own files.
    static constexpr std::uint32_t kMany = 10;

    /// With whose rights the files of an app are looked at; nothing: those of pmd.
    using UserOf = std::function<std::optional<model::Identity>(const model::AppSpec& spec)>;

    /// `warn` gets sentences for the daemon's own log.
    FileChanges(io::EventLoop& loop, Watching::Start start, UserOf user_of, std::function<void(const std::string&)> warn);
    /// Must be called before anything else.
    void set_supervisor(engine::Supervisor& supervisor) noexcept { supervisor_ = &supervisor; }

    /// The app is there, and may have changed in any way.
    void look_at(const std::string& app);
    void forget(const std::string& app);
    /// How many directories are watched; nothing: none are, or it is not known yet.
    [[nodiscard]] std::optional<std::uint64_t> directories(const std::string& app) const { return watching_.directories(app); }

private:
    struct App {
        io::Source timer;
        model::TimePoint first{};         ///< of the changes that wait
        std::string path;                 ///< of the first of them; empty: none wait
        std::uint64_t more = 0;
        bool replacing = false;
        model::TimePoint minute{};        ///< when counting began
        std::uint32_t count = 0;          ///< of what was replaced since
        bool warned = false;
    };

    [[nodiscard]] std::optional<watch::Settings> settings_of(const std::string& app) const;
    void note(const std::string& app, const std::string& path, std::uint64_t more);
    void arm(const std::string& name, App& app);
    void replace(const std::string& app);
    void count(const std::string& name, App& app);

    io::EventLoop& loop_;
    UserOf user_of_;
    std::function<void(const std::string&)> warn_;
    engine::Supervisor* supervisor_ = nullptr;
    Watching watching_;
    std::map<std::string, App> apps_; ///< those that are watched
    std::shared_ptr<bool> lives_ = std::make_shared<bool>(true);
    struct Ends {
        std::shared_ptr<bool> lives;
        ~Ends() { *lives = false; }
    } ends_{lives_};
};

} // namespace pm::upkeep
