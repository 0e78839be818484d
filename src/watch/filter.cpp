// SPDX-License-Identifier: Apache-2.0
#include "watch/filter.hpp"

#include "base/glob.hpp"
#include "base/path.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <re2/re2.h>

namespace pm::watch {
namespace {

base::Result<std::shared_ptr<const re2::RE2>> compiled(const std::string& regex)
{
    re2::RE2::Options options;
    options.set_log_errors(false);
    options.set_dot_nl(true);
    options.set_encoding(re2::RE2::Options::EncodingLatin1); // paths are bytes
    auto made = std::make_shared<re2::RE2>(regex, options);
    if (!made->ok()) return base::fail(base::ErrorCode::InvalidArgument, fmt::format("the patterns are too large together: {}", made->error()));
    return made;
}

/// The regular expression of absolute paths.
base::Result<std::string> absolute_regex(const std::string& cwd, const std::string& glob)
{
    if (!base::is_glob(glob)) return base::regex_of_text(base::absolute_path(cwd, glob));
    const std::string_view fixed = base::fixed_part(glob);
    std::string_view rest = std::string_view(glob).substr(fixed.size());
    while (rest.starts_with('/')) rest.remove_prefix(1);
    const auto regex = base::regex_of_glob(rest);
    if (!regex) return base::fail(regex.error().code, fmt::format("'{}': {}", glob, regex.error().message));
    const std::string directory = base::absolute_path(cwd, fixed.empty() ? "." : fixed);
    return base::regex_of_text(directory == "/" ? "" : directory) + "/" + *regex;
}

/// With the slot that pmd puts before the extension, and what rotation puts behind the name.
std::string regex_of_own(const std::string& path)
{
    const std::size_t dot = path.rfind('.');
    const std::size_t stem = dot == std::string::npos || dot < path.rfind('/') + 2 ? path.size() : dot;
    return base::regex_of_text(path.substr(0, stem)) + "(?:-[0-9]+)?" + base::regex_of_text(path.substr(stem)) + "(?:[.-].*)?";
}

bool is_usually_ignored(std::string_view name) { return name.starts_with('.') || name == "node_modules"; }

bool matches(const re2::RE2& regex, std::string_view path) { return re2::RE2::FullMatch(re2::StringPiece(path.data(), path.size()), regex); }

} // namespace

base::Result<Filter> Filter::make(const Settings& settings)
{
    Filter filter;
    for (const std::string& path : settings.paths) {
        Root root;
        if (!base::is_glob(path)) {
            root.path = base::absolute_path(settings.cwd, path);
        } else {
            const std::string_view fixed = base::fixed_part(path);
            root.path = base::absolute_path(settings.cwd, fixed.empty() ? "." : fixed);
            const auto regex = absolute_regex(settings.cwd, path);
            if (!regex) return tl::unexpected(regex.error());
            auto counts = compiled(*regex);
            if (!counts) return tl::unexpected(counts.error());
            root.counts = *std::move(counts);
        }
        filter.roots_.push_back(std::move(root));
    }
    std::string all;
    for (const std::string& own : settings.own) all += (all.empty() ? "" : "|") + regex_of_own(own);
    for (const std::string& glob : settings.ignore) {
        const auto regex = absolute_regex(settings.cwd, glob);
        if (!regex) return tl::unexpected(regex.error());
        all += (all.empty() ? "" : "|") + *regex;
    }
    if (!all.empty()) {
        auto ignored = compiled("(?:" + all + ")(?:/.*)?");
        if (!ignored) return tl::unexpected(ignored.error());
        filter.ignored_ = *std::move(ignored);
    }
    return filter;
}

bool Filter::ignores(const Root& root, std::string_view path) const
{
    std::string_view below = path.substr(std::min(root.path == "/" ? 0 : root.path.size(), path.size()));
    while (!below.empty()) {
        below.remove_prefix(1);
        const std::size_t end = std::min(below.find('/'), below.size());
        if (is_usually_ignored(below.substr(0, end))) return true;
        below.remove_prefix(end);
    }
    return ignored_ && matches(*ignored_, path);
}

bool Filter::counts(const Root& root, std::string_view path) { return !root.counts || matches(*root.counts, path); }

} // namespace pm::watch
