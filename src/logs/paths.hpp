// SPDX-License-Identifier: Apache-2.0
// Where the lines of an instance go, and with whose rights those files are opened. Pure.
#pragma once

#include "base/ids.hpp"
#include "model/app_spec.hpp"
#include "model/identity.hpp"

#include <string>

namespace pm::logs {

/// The same file opened with other rights is another LogPath.
struct LogPath {
    LogPath() = default;
    LogPath(std::string file, model::SharedIdentity whose = nullptr) : path(std::move(file)), user(std::move(whose)) {}

    std::string path;           ///< absolute; empty: nothing is kept
    model::SharedIdentity user; ///< null: pmd's own rights

    [[nodiscard]] const model::Identity* who() const noexcept { return user.get(); }
    std::strong_ordering operator<=>(const LogPath& other) const noexcept;
    bool operator==(const LogPath& other) const noexcept { return (*this <=> other) == 0; }
};

struct LogPaths {
    LogPath out;
    LogPath err;
    LogPath combined;
};

/// `app` as the beginning of file names, another one for each app. What a shell, or a reader, would stumble over, and bytes that
/// are not UTF-8, are written as in a URL ("%20"), likewise a '-' with which it begins.
[[nodiscard]] std::string file_name(std::string_view app);

/// `<directory>/<app>-<slot>-out.log`, `-error.log` unless the spec says otherwise, in its `folder` if it has one, without
/// the slot when merge_logs. The
/// combined file is `<directory>/<app>.log`; it, and a path from the spec, gets `-<slot>` before its extension when
/// `several` and not merge_logs (PM2's rule, with the slot in place of the pm_id). Of different apps they are different, as
/// file_name() says. Paths from the spec are opened as `user`, those in `directory` are pmd's.
[[nodiscard]] LogPaths log_paths(const model::AppSpec& spec, base::Slot slot, bool several, const std::string& directory,
                                 const model::SharedIdentity& user = nullptr);

} // namespace pm::logs
