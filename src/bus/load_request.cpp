// SPDX-License-Identifier: Apache-2.0
#include "bus/load_request.hpp"

#include "base/fd.hpp"
#include "base/path.hpp"
#include "io/acting_as.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

namespace pm::bus {
namespace {

constexpr std::size_t kLargeText = 64u << 10; ///< reading it takes a hundred times as much for a moment

struct FileBound {
    std::size_t bytes;
    const char* setting;
};

/// How long a file may be that `by` loads; null: whom nothing is asked of.
FileBound file_bound(const Context& context, const Grant* by)
{
    const config::Settings& settings = context.settings;
    if (by == nullptr || by->master) return {settings.max_file_bytes, "max_file_bytes"};
    return {std::min(settings.max_file_bytes, settings.max_file_bytes_per_user), "max_file_bytes_per_user"};
}

/// What "~" means to `by`; empty where it means nothing.
std::string home_of(const Context& context, const Grant* by)
{
    if (by == nullptr || by->master) return context.home;
    const auto known = context.user_of ? context.user_of(by->uid) : std::nullopt;
    return known ? known->home : std::string();
}

base::Result<base::Fd> open_as(const std::string& path, const model::Identity* who)
{
    const std::string doing = who != nullptr ? fmt::format("opening '{}' as user '{}'", path, who->name)
                                             : fmt::format("opening '{}'", path);
    if (!path.starts_with('/'))
        return base::fail(base::ErrorCode::InvalidArgument, doing + ": the path must be absolute");
    const io::ActingAs acting(who);
    if (acting.error() != 0) return base::fail_errno(doing + ": taking on these rights", acting.error());
    base::Fd file = acting.open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    struct stat status {};
    if (!file || fstat(file.get(), &status) < 0) return base::fail(base::ErrorCode::Failed, doing + ": " + io::why_no_path(errno));
    if (!S_ISREG(status.st_mode)) return base::fail(base::ErrorCode::InvalidArgument, doing + ": not a regular file");
    return file;
}

} // namespace

base::Result<LoadRequest> read_load_request(const Context& context, const std::string& text, const std::string& origin,
                                            const OptionMap& option_map, const Grant* by)
{
    using Strings = std::vector<std::string>;
    using Facts = std::map<std::string, std::string>;
    Options options(option_map);
    LoadRequest request;
    config::ParseOptions parse;
    parse.profile = options.get<std::string>("profile", "");
    parse.only = options.get<Strings>("only", {});
    parse.name_space = options.get<std::string>("namespace", "");
    // One file is one origin, however it is written: what was loaded as ./app.yaml is pruned as app.yaml.
    const std::string place = origin.starts_with('/') ? base::absolute_path("/", origin) : origin;
    parse.base_dir = options.get<std::string>("directory", base::directory_of(place));
    parse.env_from_caller = options.get<bool>("caller-environment", false);
    parse.evaluated = options.get<bool>("evaluated", false);
    if (const auto files = std::make_shared<const Facts>(options.get<Facts>("files", {})); !files->empty())
        parse.look = [files](const model::AppSpec&, const std::string& path) {
            const auto found = files->find(path);
            return found == files->end() ? std::nullopt : std::optional(found->second);
        };
    const auto dialect = options.get<std::string>("dialect", "own");
    const bool force = options.get<bool>("force", false);
    const bool update_env = options.get<bool>("update-env", false);
    request.apply.take_over = !parse.env_from_caller || force;
    request.apply.update_env = !parse.env_from_caller || update_env;
    request.apply.start = options.get<bool>("start", true);
    request.apply.reload = options.get<bool>("reload", false);
    request.apply.prune = options.get<bool>("prune", false);
    request.wait = options.get<bool>("wait", true);
    if (auto good = options.check(); !good) return tl::unexpected(good.error());
    const auto known = config::dialect_from(dialect);
    if (!known)
        return base::fail(base::ErrorCode::InvalidArgument, fmt::format("option 'dialect' must be own, pm2 or package, not '{}'", dialect));
    parse.dialect = *known;
    if (!parse.base_dir.starts_with('/'))
        return base::fail(base::ErrorCode::InvalidArgument,
                          fmt::format("option 'directory' must be an absolute path, not '{}'", parse.base_dir));
    if (origin.size() > 4096)
        return base::fail(base::ErrorCode::InvalidArgument, "the origin is longer than 4096 bytes");
    const FileBound bound = file_bound(context, by);
    if (text.size() > bound.bytes)
        return base::fail(base::ErrorCode::LimitExceeded,
                          fmt::format("{}: the file has {} bytes, more than the {} allowed ({} in pmd.yaml)", origin, text.size(), bound.bytes, bound.setting));
    parse.home = home_of(context, by);
    parse.launcher = context.launcher_name;
    parse.journal = context.launcher_name == "systemd";
    parse.max_bytes = bound.bytes;
    parse.max_apps = context.settings.max_apps;
    request.file = config::parse_app_file(text, parse);
    if (text.size() > kLargeText) context.freed_memory();
    request.apply.declared = request.file.names;
    request.apply.origin = place;
    request.apply.owner = by == nullptr || by->master ? getuid() : by->uid;
    return request;
}

base::Result<void> faults_of(const config::AppFile& file, const std::string& origin)
{
    if (file.ok()) return {};
    constexpr std::size_t kMostLines = 50;
    std::string lines;
    std::size_t count = 0;
    for (const config::Diagnostic& diagnostic : file.diagnostics) {
        if (diagnostic.severity != config::Severity::Error) continue;
        if (++count > kMostLines) continue;
        lines += (lines.empty() ? "" : "\n") + config::to_string(diagnostic, origin);
    }
    if (count > kMostLines) lines += fmt::format("\nand {} more", count - kMostLines);
    return base::fail(base::ErrorCode::InvalidSpec, lines);
}

base::Result<std::string> read_app_file(const std::string& path, std::size_t max_bytes, const model::Identity* who)
{
    const auto file = open_as(path, who);
    if (!file) return tl::unexpected(file.error());
    std::string text;
    while (text.size() <= max_bytes) {
        const std::size_t had = text.size();
        text.resize(had + 65536);
        const ssize_t count = read(file->get(), text.data() + had, 65536);
        if (count < 0 && errno != EINTR) return base::fail_errno(fmt::format("reading '{}'", path), errno);
        text.resize(had + static_cast<std::size_t>(count < 0 ? 0 : count));
        if (count == 0) return text;
    }
    return base::fail(base::ErrorCode::LimitExceeded,
                      fmt::format("{}: more than the {} bytes allowed (max_file_bytes)", path, max_bytes));
}

} // namespace pm::bus
