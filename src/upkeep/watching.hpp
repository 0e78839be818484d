// SPDX-License-Identifier: Apache-2.0
// Runs a process that watches files for each app that wants it (watch/main.cpp), and hears what it says.
//
// One that ends, whoever ended it, is started again after a while, longer each time. What it says is not believed further
// than that files have changed: it has the rights of the app's user, who may do with it as with any process.
#pragma once

#include "base/fd.hpp"
#include "io/event_loop.hpp"
#include "watch/settings.hpp"

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace pm::upkeep {

class Watching {
public:
    static constexpr std::chrono::seconds kFirstPause{1};
    static constexpr std::chrono::minutes kLongestPause{5};

    /// Runs pm-watch with this as its standard input; its pidfd.
    using Start = std::function<base::Result<base::Fd>(int socket)>;
    /// Of an app as it is now; nothing: there is nothing to watch.
    using SettingsOf = std::function<std::optional<watch::Settings>(const std::string& app)>;
    /// `path`, and `more` others, changed.
    using Changed = std::function<void(const std::string& app, const std::string& path, std::uint64_t more)>;

    /// `warn` gets sentences for the daemon's own log.
    Watching(io::EventLoop& loop, Start start, SettingsOf settings_of, Changed changed, std::function<void(const std::string&)> warn);
    ~Watching();
    Watching(const Watching&) = delete;
    Watching& operator=(const Watching&) = delete;

    /// Watches the files of the app, with what settings_of() says of it now; goes on as before where that has not changed.
    void begin(const std::string& app);
    void end(const std::string& app);
    /// How many directories are watched; nothing: none are, or it is not known yet.
    [[nodiscard]] std::optional<std::uint64_t> directories(const std::string& app) const;

private:
    struct Helper;
    void start(const std::string& app, Helper& helper);
    void hear(const std::string& app);
    void take(const std::string& app, Helper& helper, const std::string& line);
    void again(const std::string& app, Helper& helper, const std::string& why);
    void kill(Helper& helper);

    /// Killed, and not yet reaped.
    struct Ending {
        base::Fd pidfd;
        io::Source source;
    };

    io::EventLoop& loop_;
    Start start_;
    SettingsOf settings_of_;
    Changed changed_;
    std::function<void(const std::string&)> warn_;
    std::map<std::string, std::unique_ptr<Helper>> helpers_;
    std::list<Ending> ending_;
};

} // namespace pm::upkeep
