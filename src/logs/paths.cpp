// SPDX-License-Identifier: Apache-2.0
#include "logs/paths.hpp"

#include "base/text.hpp"
#include "model/unit_names.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace pm::logs {
namespace {

/// A file name has at most 255 bytes, and ours add a slot and an ending.
constexpr std::size_t kMaxName = 200;

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

bool is_plain(char c) noexcept
{
    constexpr std::string_view kOthers = ".-_@:+,=";
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || kOthers.find(c) != std::string_view::npos;
}

/// How many bytes of `text` stand for themselves.
std::size_t plain_at(std::string_view text)
{
    if (is_plain(text.front())) return 1;
    for (std::size_t length = 2; length <= 4 && length <= text.size(); ++length)
        if (static_cast<unsigned char>(text.front()) >= 0x80 && base::is_valid_utf8(text.substr(0, length))) return length;
    return 0;
}

/// "web-0" without a slot behind it would be as "web" with one: "web%2d0".
std::string without_slot(std::string name)
{
    const auto dash = name.find_last_not_of("0123456789");
    if (dash != std::string::npos && dash + 1 < name.size() && name[dash] == '-') name.replace(dash, 1, "%2d");
    return name;
}

/// Likewise, "web-out" without a stream behind it.
std::string without_stream(std::string name)
{
    for (const std::string_view stream : {"-out", "-error"})
        if (name.ends_with(stream)) name.replace(name.size() - stream.size(), 1, "%2d");
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

std::string file_name(std::string_view app)
{
    std::string name;
    for (std::size_t at = 0; at < app.size();) {
        const std::size_t plain = at == 0 && app.front() == '-' ? 0 : plain_at(app.substr(at));
        if (plain == 0)
            name += fmt::format("%{:02x}", static_cast<unsigned char>(app[at]));
        else
            name += app.substr(at, plain);
        at += std::max<std::size_t>(plain, 1);
    }
    return name.size() <= kMaxName ? name : model::in_64_characters(app).replace(0, 2, "%_");
}

LogPaths log_paths(const model::AppSpec& spec, base::Slot slot, bool several, const std::string& directory,
                   const model::SharedIdentity& user)
{
    const model::LogSpec& logs = spec.logs;
    if (logs.disable_logs) return {};
    const bool suffixed = several && !logs.merge_logs;
    const std::string place = logs.folder.empty() ? directory : fmt::format("{}/{}", directory, logs.folder);
    const std::string name = file_name(spec.name);
    const std::string of_slot = fmt::format("{}/{}-{}", place, name, slot.value);
    const std::string stem = logs.merge_logs ? fmt::format("{}/{}", place, without_slot(name)) : of_slot;
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
        paths.combined = suffixed ? of_slot + ".log" : fmt::format("{}/{}.log", place, without_stream(without_slot(name)));
    else if (!logs.log_file.empty())
        paths.combined = given(logs.log_file);
    return paths;
}

} // namespace pm::logs
