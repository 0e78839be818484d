// SPDX-License-Identifier: Apache-2.0
#include "logs/paths.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace pm::logs {
namespace {

/// A file name has at most 255 bytes, and ours add a slot and an ending.
constexpr std::size_t kMaxName = 200;

bool is_plain(char c) noexcept
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
}

std::string file_name(std::string_view app)
{
    std::string name(app.substr(0, kMaxName));
    std::replace_if(name.begin(), name.end(), [](char c) { return !is_plain(c); }, '-');
    return name;
}

/// "/x/out.log" -> "/x/out-3.log"; a name without an extension gets it at its end.
std::string with_slot(const std::string& path, base::Slot slot)
{
    const auto name = path.rfind('/') + 1; // npos + 1 is 0
    auto dot = path.rfind('.');
    if (dot == std::string::npos || dot <= name) dot = path.size();
    return fmt::format("{}-{}{}", path.substr(0, dot), slot.value, path.substr(dot));
}

/// pmd's own output, which it has open: whoever the app runs as, it is not the app's to be opened.
bool is_own_output(const std::string& path) { return path == "/dev/stdout" || path == "/dev/stderr"; }

} // namespace

std::strong_ordering LogPath::operator<=>(const LogPath& other) const noexcept
{
    if (const auto by_path = path <=> other.path; by_path != 0) return by_path;
    if (!user || !other.user) return static_cast<bool>(user) <=> static_cast<bool>(other.user);
    return *user <=> *other.user;
}

LogPaths log_paths(const model::AppSpec& spec, base::Slot slot, bool several, const std::string& directory,
                   const model::SharedIdentity& user)
{
    const model::LogSpec& logs = spec.logs;
    if (logs.disable_logs) return {};
    const bool suffixed = several && !logs.merge_logs;
    const std::string place = logs.folder.empty() ? directory : fmt::format("{}/{}", directory, logs.folder);
    const std::string of_app = fmt::format("{}/{}", place, file_name(spec.name));
    const std::string of_slot = fmt::format("{}-{}", of_app, slot.value);
    const std::string& stem = logs.merge_logs ? of_app : of_slot;
    // "/dev/null" keeps nothing, and other devices are never given a slot.
    const auto given = [&](const std::string& path) -> LogPath {
        if (path == "/dev/null") return {};
        if (is_own_output(path)) return path;
        return {suffixed && !path.starts_with("/dev/") ? with_slot(path, slot) : path, user};
    };
    LogPaths paths;
    paths.out = logs.out_file.empty() ? stem + "-out.log" : given(logs.out_file);
    paths.err = logs.error_file.empty() ? stem + "-error.log" : given(logs.error_file);
    if (logs.log_file == "default")
        paths.combined = (suffixed ? of_slot : of_app) + ".log";
    else if (!logs.log_file.empty())
        paths.combined = given(logs.log_file);
    return paths;
}

} // namespace pm::logs
