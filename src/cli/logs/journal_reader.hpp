// SPDX-License-Identifier: Apache-2.0
// The lines of apps in the journal, read with sd-journal(3): the last ones, those since a moment, new ones as they come.
//
// Whose a line is, is told by trusted fields alone: a service of our slices wrote it (_SYSTEMD_UNIT, or _SYSTEMD_USER_UNIT
// of the caller's own manager). So neither pmd's messages about an app nor what somebody else claims with PM_APP= is shown.
// Root's pmd names the unit when it connects an app, which covers writers that ended before journald looked. A user's pmd
// is not believed; what has no unit at all counts there when user, transport and identifier are right.
#pragma once

#include "cli/failure.hpp"
#include "cli/logs/log_filter.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace pm::cli {

struct JournalApp {
    std::string name;
    std::map<std::uint32_t, std::uint32_t> ids; ///< of its instances by slot
    bool only_these = false;                    ///< lines of these slots alone (the target was an id)
    std::string user = {};                      ///< whom it runs as
};

/// Whose services the apps are.
struct JournalScope {
    std::optional<uid_t> user;  ///< of the user manager; unset: the system's
    std::string directory = {}; ///< of journal files; empty: this machine's
    bool own_apps = false;      ///< all of them run as the caller, whose own journal has their lines then
};

class JournalReader {
public:
    /// Status 1 with what to do when the caller may not read the journal.
    static Outcome<JournalReader> open(std::vector<JournalApp> apps, JournalScope scope);
    JournalReader(JournalReader&&) noexcept;
    JournalReader& operator=(JournalReader&&) noexcept;
    ~JournalReader();

    /// Other apps, for what follows after what was read.
    Outcome<void> set_apps(std::vector<JournalApp> apps);

    using Stop = std::function<bool()>;
    /// The last `count` lines of each app that `filter` shows, together in order of time. Ends early when `stop` says so,
    /// asked now and then.
    Outcome<std::vector<LogLine>> last(std::size_t count, const LogFilter& filter, const Stop& stop);

    /// next() begins at this moment (microseconds since 1970) ...
    Outcome<void> begin_at(std::uint64_t time);
    /// ... or with what came after open() and was not among last().
    Outcome<void> begin_after_last();
    /// The next line that `filter` shows among at most `most` entries, which is counted down; nothing when there is none
    /// yet, or none before `filter.until`.
    Outcome<std::optional<LogLine>> next(const LogFilter& filter, std::size_t& most);

    /// Readable when something changed; then call wake() and next() until nothing comes.
    [[nodiscard]] int fd() const;
    [[nodiscard]] short events() const;
    /// For poll(2): -1 unless the files are on a network, where the kernel tells nothing.
    [[nodiscard]] int timeout() const;
    Outcome<void> wake();

private:
    struct Impl;
    explicit JournalReader(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

} // namespace pm::cli
