// SPDX-License-Identifier: Apache-2.0
#include "logs/reader_set.hpp"

#include "logs/history.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

namespace pm::logs {
namespace {

constexpr std::uint32_t kMaxLines = 10'000;

struct Found {
    HistoryFile file;
    timespec changed;
};

bool is_older(const Found& left, const Found& right) noexcept
{
    if (left.changed.tv_sec != right.changed.tv_sec) return left.changed.tv_sec < right.changed.tv_sec;
    return left.changed.tv_nsec < right.changed.tv_nsec;
}

/// The files that hold old lines of `sources`, each once even if several share it, the one written last at the end. Their
/// present ends are noted: later lines arrive live, so none is missed and none comes twice.
std::vector<HistoryFile> find_history(const std::vector<LogSource>& sources, const ReaderOptions& options)
{
    std::vector<Found> found;
    std::unordered_set<std::string> seen;
    for (const LogSource& source : sources) {
        const auto origin = std::make_shared<const Origin>(Origin{source.app, source.id, source.slot});
        const auto add = [&](Stream stream, const LogPath& path) {
            if (!seen.insert(path.path).second) return;
            if (const auto end = file_end(path)) found.push_back({{origin, stream, path, end->size, source.spec}, end->changed});
        };
        if (options.out) add(Stream::Out, source.paths.out);
        if (options.err) add(Stream::Err, source.paths.err);
    }
    std::stable_sort(found.begin(), found.end(), is_older);
    std::vector<HistoryFile> files;
    files.reserve(found.size());
    for (Found& one : found) files.push_back(std::move(one.file));
    return files;
}

ReaderFilter make_filter(const std::vector<LogSource>& sources, std::vector<std::string> apps, std::function<bool(base::InstanceId)> later)
{
    ReaderFilter filter;
    filter.later = std::move(later);
    for (std::string& app : apps) filter.apps.insert(std::move(app));
    for (const LogSource& source : sources) {
        filter.ids.insert(source.id);
        filter.apps_of_ids.insert(source.app);
    }
    return filter;
}

} // namespace

base::Result<base::Fd> ReaderSet::add(const std::vector<LogSource>& sources, std::vector<std::string> apps,
                                      std::function<bool(base::InstanceId)> later, const ReaderOptions& options, std::size_t max_buffer,
                                      std::size_t max_of_user)
{
    if (readers_.size() >= kMaxReaders)
        return base::fail(base::ErrorCode::LimitExceeded,
                          fmt::format("following apps: there are {} readers of logs and messages already", kMaxReaders));
    const auto is_theirs = [&](const auto& entry) { return entry.second.user == options.user; };
    if (options.user && std::ranges::count_if(readers_, is_theirs) >= static_cast<std::ptrdiff_t>(max_of_user))
        return base::fail(base::ErrorCode::LimitExceeded,
                          fmt::format("following apps: you have {} readers of logs and messages already (max_readers_per_user in pmd.yaml); end some first", max_of_user));
    const auto is_bounded = [](const auto& entry) { return entry.second.user.has_value(); };
    if (options.user && std::ranges::count_if(readers_, is_bounded) >= static_cast<std::ptrdiff_t>(kMaxOfUsers))
        return base::fail(base::ErrorCode::LimitExceeded,
                          fmt::format("following apps: all users but root have {} readers of logs and messages already; try again when one has ended", kMaxOfUsers));
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0) return base::fail_errno("making a pipe for a log reader", errno);
    base::Fd theirs(ends[0]);
    base::Fd ours(ends[1]);
    if (fcntl(ours.get(), F_SETFL, O_NONBLOCK) < 0) return base::fail_errno("making a pipe for a log reader", errno);

    ReaderOptions bounded = options;
    bounded.lines = std::min(bounded.lines, kMaxLines);
    auto history = bounded.lines > 0 ? find_history(sources, bounded) : std::vector<HistoryFile>();
    auto reader = std::make_unique<Reader>(std::move(ours), make_filter(sources, std::move(apps), std::move(later)), bounded,
                                           std::move(history), max_buffer);
    const std::uint64_t key = ++last_key_;
    if (auto watched = reader->watch(loop_, [this, key] { readers_.erase(key); }); !watched)
        return tl::unexpected(std::move(watched.error()));
    readers_.emplace(key, Entry{std::move(reader), options.user});
    return theirs;
}

void ReaderSet::publish(const std::shared_ptr<const Origin>& origin, Stream stream, const LineBatch& batch, model::WallTime when)
{
    std::shared_ptr<LineBlock> block;
    for (auto& [key, entry] : readers_) {
        const auto& reader = entry.reader;
        if (!reader->wants(origin, stream)) continue;
        if (!block) {
            block = std::make_shared<LineBlock>(LineBlock{origin, stream, when, {}, batch.continues(), {}});
            for (const std::string_view lines : batch.blocks()) block->lines += lines;
        }
        reader->push(block);
    }
}

void ReaderSet::forget_app(const std::string& app)
{
    for (auto& [key, entry] : readers_) entry.reader->forget_app(app);
}

} // namespace pm::logs
