// SPDX-License-Identifier: Apache-2.0
// What pmd tells the process that watches the files of an app, and what that process answers: JSON, a value a line.
#pragma once

#include "base/error.hpp"
#include "model/identity.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pm::watch {

struct Settings {
    std::optional<model::Identity> user; ///< whose rights the process takes on; nothing: it keeps those of pmd
    std::string cwd;                     ///< absolute; where paths and patterns are seen from
    std::vector<std::string> paths;      ///< files, directories and globs (base/glob), at least one
    std::vector<std::string> ignore;     ///< the same, which do not count, with all that is in them
    std::vector<std::string> own;        ///< absolute: files that pmd writes, for each instance with its slot; they do not count
    bool follow_symlinks = true;
    std::optional<std::uint32_t> depth;  ///< levels of directories below each path
    std::chrono::milliseconds poll{0};   ///< looked at so often instead; 0: inotify(7)
    bool operator==(const Settings&) const = default;
};

/// One line, with its end.
[[nodiscard]] std::string to_line(const Settings& settings);
[[nodiscard]] base::Result<Settings> settings_from(std::string_view line);

/// What the process has to say.
struct Report {
    enum class Kind {
        Watching, ///< number: the directories that are watched
        Changed,  ///< text: the absolute path of one that changed; number: how many more there are
        Trouble,  ///< text: a sentence for people; what can be watched still is
    } kind = Kind::Watching;
    std::string text;
    std::uint64_t number = 0;
};

/// One line, with its end.
[[nodiscard]] std::string to_line(const Report& report);
[[nodiscard]] base::Result<Report> report_from(std::string_view line);

} // namespace pm::watch
