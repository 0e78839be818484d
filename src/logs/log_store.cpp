// SPDX-License-Identifier: Apache-2.0
#include "logs/log_store.hpp"

#include "logs/format.hpp"
#include "logs/journal_stream.hpp"
#include "logs/pipe_stream.hpp"
#include "model/unit_names.hpp"

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <fmt/format.h>
#include <set>
#include <unistd.h>
#include <unordered_map>
#include <utility>

namespace pm::logs {
namespace {

struct Pipe {
    base::Fd read;
    base::Fd write;
};

/// Its holder is a reader, too: the pipe never is without one.
void hold_both_ends(base::Fd& end)
{
    const std::string path = fmt::format("/proc/self/fd/{}", end.get());
    if (base::Fd both(open(path.c_str(), O_RDWR | O_CLOEXEC)); both) end = std::move(both);
}

base::Result<Pipe> make_pipe(const std::string& app, bool survives)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return base::fail_errno(fmt::format("making a pipe for the output of '{}'", app), errno);
    Pipe pipe{base::Fd(ends[0]), base::Fd(ends[1])};
    // Ours alone: the app must find its end blocking, as programs expect of stdout.
    if (fcntl(pipe.read.get(), F_SETFL, O_NONBLOCK) < 0)
        return base::fail_errno(fmt::format("making a pipe for the output of '{}'", app), errno);
    if (survives) hold_both_ends(pipe.write);
    return pipe;
}

} // namespace

struct LogStore::Impl {
    Impl(io::EventLoop& event_loop, LogOptions log_options, std::function<void(const std::string&)> on_warning)
        : loop(event_loop), options(std::move(log_options)), warn(std::move(on_warning)), sinks(options.directory, warn),
          readers(loop)
    {
    }

    /// A pipe that is read from now on; its write end. `kept_as`: its name in the depot.
    base::Result<base::Fd> make_stream(PipeStream::Route route, const std::string& kept_as);
    /// Takes one portion; false when that was the end, and the stream is no more.
    bool read_some(std::uint64_t key);
    base::Result<void> add_stream(base::Fd pipe, PipeStream::Route route, const std::string& kept_as, bool resumed);
    base::Result<engine::Stdio> open_journal(const engine::LaunchRequest& request);
    base::Result<engine::Stdio> open_files(const engine::LaunchRequest& request, const LogPaths& of_instance);
    void resume(const engine::LaunchRequest& request, const LogPaths& of_instance);
    std::shared_ptr<Sink> sink_of(const LogPath& path, const model::AppSpec& spec)
    {
        auto sink = sinks.get(path);
        if (sink) sink->set_rotation(spec.logs.rotate);
        return sink;
    }
    void note_journal(const base::Result<engine::Stdio>& opened);
    void await_end(std::uint64_t key);
    void arm_flush();
    void flush_waiting();

    io::EventLoop& loop;
    LogOptions options;
    std::function<void(const std::string&)> warn;
    bool journal_fails = false; ///< said once, until it works again
    SinkPool sinks;
    ReaderSet readers;
    std::unique_ptr<Workspace> workspace = std::make_unique<Workspace>();
    PipeDepot* depot = nullptr;
    std::optional<std::map<std::string, BegunLine>> begun; ///< of pipes that are not resumed yet, where it is known
    std::uint64_t last_key = 0;
    struct Kept {
        PipeStream stream;
        std::string name; ///< in the depot
        bool waits = false;
    };
    std::map<std::uint64_t, Kept> streams; ///< destroyed before the sinks they share
    std::set<std::pair<model::TimePoint, std::uint64_t>> waiting; ///< when to look at streams with a begun line
    io::Source flush_timer;                                         ///< armed while there are some
    std::unordered_map<base::InstanceId, LogPaths> paths; ///< of each instance's last process, until it is forgotten
};

base::Result<base::Fd> LogStore::Impl::make_stream(PipeStream::Route route, const std::string& kept_as)
{
    auto pipe = make_pipe(route.origin->app, options.survive_us);
    if (!pipe) return tl::unexpected(std::move(pipe.error()));
    if (depot != nullptr) depot->keep(kept_as, pipe->read.get());
    auto added = add_stream(std::move(pipe->read), std::move(route), kept_as, false);
    if (!added && depot != nullptr) depot->drop(kept_as);
    if (!added) return tl::unexpected(std::move(added.error()));
    return std::move(pipe->write);
}

base::Result<void> LogStore::Impl::add_stream(base::Fd pipe, PipeStream::Route route, const std::string& kept_as, bool resumed)
{
    const std::uint64_t key = ++last_key;
    auto [place, added] = streams.try_emplace(key, Kept{PipeStream(std::move(pipe), std::move(route), key), kept_as});
    PipeStream* stream = &place->second.stream;
    if (auto watched = stream->watch(loop, [this, key] { (void)read_some(key); }); !watched) {
        streams.erase(key);
        return watched;
    }
    if (!resumed) return {};
    if (!begun)
        stream->go_on_somewhere();
    else if (auto line = begun->extract(kept_as))
        stream->go_on_with(std::move(line.mapped()));
    if (stream->begun_since()) await_end(key);
    return {};
}

/// The end of the line that the stream has begun is waited for, for a while.
void LogStore::Impl::await_end(std::uint64_t key)
{
    Kept& kept = streams.at(key);
    if (std::exchange(kept.waits, true)) return;
    const auto now = std::chrono::steady_clock::now();
    const auto due = *kept.stream.begun_since() + options.patience;
    waiting.emplace(due > now ? due : now + options.patience, key);
    arm_flush();
}

void LogStore::Impl::arm_flush()
{
    if (waiting.empty()) return;
    const auto due = waiting.begin()->first;
    if (flush_timer) return flush_timer.set_time(due);
    auto timer = loop.add_timer(due, io::Priority::Output, [this] { flush_waiting(); });
    if (timer)
        flush_timer = std::move(*timer);
    else
        warn(timer.error().message + "; text without a line end is kept back");
}

void LogStore::Impl::flush_waiting()
{
    constexpr int kAtOnce = 64;
    const auto now = std::chrono::steady_clock::now();
    for (int count = 0; count < kAtOnce && !waiting.empty() && waiting.begin()->first <= now; ++count) {
        const auto found = streams.find(waiting.begin()->second);
        waiting.erase(waiting.begin());
        if (found == streams.end()) continue;
        PipeStream& stream = found->second.stream;
        found->second.waits = false;
        const auto since = stream.begun_since();
        // What is still in the pipe may be its end, however late it is read.
        if (since && now - *since >= options.patience && !stream.has_unread()) stream.flush(*workspace, readers);
        if (stream.begun_since()) await_end(found->first);
    }
    arm_flush();
}

bool LogStore::Impl::read_some(std::uint64_t key)
{
    const auto found = streams.find(key);
    if (found->second.stream.read(*workspace, readers, options.max_line)) {
        if (found->second.stream.begun_since()) await_end(key);
        return true;
    }
    if (depot != nullptr) depot->drop(found->second.name);
    streams.erase(found); // with the callback that may have called this
    return false;
}

base::Result<engine::Stdio> LogStore::Impl::open_journal(const engine::LaunchRequest& request)
{
    const std::string& app = request.spec->name;
    JournalStream stream{app, model::unit_of(app, request.slot, request.key.generation), journal_priority(Stream::Out)};
    auto out = open_journal_stream(options.journal_socket, stream);
    if (!out) return tl::unexpected(std::move(out.error()));
    stream.priority = journal_priority(Stream::Err);
    auto err = open_journal_stream(options.journal_socket, stream);
    if (!err) return tl::unexpected(std::move(err.error()));
    return engine::Stdio{std::move(*out), std::move(*err)};
}

void LogStore::Impl::note_journal(const base::Result<engine::Stdio>& opened)
{
    if (journal_fails == !opened) return;
    journal_fails = !opened;
    warn(opened ? "the journal takes the output of apps again; what was started meanwhile writes to files until it is restarted"
                : opened.error().message + "; apps that are started now write to files");
}

base::Result<engine::Stdio> LogStore::Impl::open_files(const engine::LaunchRequest& request, const LogPaths& of_instance)
{
    const auto origin = std::make_shared<const Origin>(Origin{request.spec->name, request.key.id, request.slot});
    const auto combined = sink_of(of_instance.combined, *request.spec);
    auto out = make_stream({request.spec, origin, Stream::Out, sink_of(of_instance.out, *request.spec), combined}, name_in_depot(request.key, Stream::Out));
    if (!out) return tl::unexpected(std::move(out.error()));
    // Should this fail, the end of `out` closes and its stream ends by itself.
    auto err = make_stream({request.spec, origin, Stream::Err, sink_of(of_instance.err, *request.spec), combined}, name_in_depot(request.key, Stream::Err));
    if (!err) return tl::unexpected(std::move(err.error()));
    return engine::Stdio{std::move(*out), std::move(*err)};
}

void LogStore::Impl::resume(const engine::LaunchRequest& request, const LogPaths& of_instance)
{
    const auto origin = std::make_shared<const Origin>(Origin{request.spec->name, request.key.id, request.slot});
    const auto go_on = [&](Stream stream, const LogPath& path) {
        const std::string name = name_in_depot(request.key, stream);
        base::Fd pipe = depot->take(name);
        if (!pipe) return;
        auto added = add_stream(std::move(pipe), {request.spec, origin, stream, sink_of(path, *request.spec), sink_of(of_instance.combined, *request.spec)}, name, true);
        if (!added) warn(added.error().message);
    };
    go_on(Stream::Out, of_instance.out);
    go_on(Stream::Err, of_instance.err);
    for (const LogPath* path : {&of_instance.out, &of_instance.err, &of_instance.combined}) sinks.tell_put_aside(*path, request.spec->logs.rotate);
}

LogStore::LogStore(io::EventLoop& loop, LogOptions options, std::function<void(const std::string&)> warn)
    : impl_(std::make_unique<Impl>(loop, std::move(options), std::move(warn)))
{
    // A reader that left and a file size limit are errors of a write(2) here, not reasons to die.
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGXFSZ, SIG_IGN);
}

LogStore::~LogStore() = default;

base::Result<engine::Stdio> LogStore::open(const engine::LaunchRequest& request, const model::SharedIdentity& user)
{
    const model::LogSpec& logs = request.spec->logs;
    if (logs.to == model::LogTarget::Journal && !impl_->options.journal)
        return base::fail(base::ErrorCode::NotSupported,
                          fmt::format("opening the logs of '{}': 'logs.to: journal' needs the systemd launcher", request.spec->name));
    if (goes_to_journal(*request.spec)) {
        auto opened = impl_->open_journal(request);
        impl_->note_journal(opened);
        if (opened) {
            impl_->paths[request.key.id] = {};
            return opened;
        }
    }
    const LogPaths paths = log_paths(*request.spec, request.slot, request.several, impl_->options.directory, user);
    impl_->paths[request.key.id] = paths;
    if (logs.disable_logs) return engine::Stdio{};
    return impl_->open_files(request, paths);
}

void LogStore::resume(const engine::LaunchRequest& request, const model::SharedIdentity& user)
{
    const bool elsewhere = goes_to_journal(*request.spec);
    const LogPaths paths =
        elsewhere ? LogPaths() : log_paths(*request.spec, request.slot, request.several, impl_->options.directory, user);
    impl_->paths[request.key.id] = paths;
    if (!elsewhere && impl_->depot != nullptr) impl_->resume(request, paths);
}

void LogStore::catch_up()
{
    constexpr int kPortions = 32; // more than a pipe holds
    std::vector<std::uint64_t> keys;
    for (const auto& [key, kept] : impl_->streams) keys.push_back(key);
    for (const std::uint64_t key : keys)
        for (int portion = 0; portion < kPortions && impl_->read_some(key); ++portion) {
        }
}

std::map<std::string, BegunLine> LogStore::begun_lines() const
{
    std::map<std::string, BegunLine> lines;
    for (const auto& [key, kept] : impl_->streams)
        if (BegunLine line = kept.stream.begun(); line.open || !line.text.empty()) lines.emplace(kept.name, std::move(line));
    return lines;
}

void LogStore::go_on_with(std::map<std::string, BegunLine> begun_lines) { impl_->begun = std::move(begun_lines); }

void LogStore::flush()
{
    catch_up();
    for (auto& [key, kept] : impl_->streams) kept.stream.flush(*impl_->workspace, impl_->readers);
}

/// Unique while the process lives.
std::string LogStore::name_in_depot(engine::ProcessKey key, Stream stream)
{
    return fmt::format("log-{}-{}-{}", key.id.value, key.generation.value, stream == Stream::Out ? "out" : "err");
}

void LogStore::set_depot(PipeDepot& depot) { impl_->depot = &depot; }

bool LogStore::goes_to_journal(const model::AppSpec& spec) const
{
    if (!impl_->options.journal || spec.logs.disable_logs) return false;
    switch (spec.logs.to) {
    case model::LogTarget::Default: return impl_->options.journal_by_default && model::file_keys(spec.logs).empty();
    case model::LogTarget::Journal: return true;
    case model::LogTarget::Files: return false;
    }
    return false;
}

void LogStore::forget(base::InstanceId id) { impl_->paths.erase(id); }

std::optional<LogPaths> LogStore::paths_of(base::InstanceId id) const
{
    const auto found = impl_->paths.find(id);
    return found == impl_->paths.end() ? std::nullopt : std::optional(found->second);
}

std::vector<std::string> LogStore::troubles_of(base::InstanceId id) const
{
    std::vector<std::string> troubles;
    const auto found = impl_->paths.find(id);
    if (found == impl_->paths.end()) return troubles;
    for (const LogPath* path : {&found->second.out, &found->second.err, &found->second.combined})
        if (std::string trouble = impl_->sinks.trouble(*path); !trouble.empty()) troubles.push_back(std::move(trouble));
    return troubles;
}

void LogStore::set_rotation(base::InstanceId id, const model::RotateSpec& rotation)
{
    const auto found = impl_->paths.find(id);
    if (found == impl_->paths.end()) return;
    for (const LogPath* path : {&found->second.out, &found->second.err, &found->second.combined})
        if (const auto sink = impl_->sinks.get(*path)) {
            sink->set_rotation(rotation);
            impl_->sinks.tell_put_aside(*path, rotation);
        }
}

base::Result<bool> LogStore::act(base::InstanceId id, FileAction action)
{
    const auto found = impl_->paths.find(id);
    if (found == impl_->paths.end()) return false;
    const auto now = std::chrono::steady_clock::now();
    bool any = false;
    base::Result<void> all;
    for (const LogPath* path : {&found->second.out, &found->second.err, &found->second.combined}) {
        const auto sink = impl_->sinks.get(*path);
        if (!sink) continue;
        any = true;
        base::Result<void> done;
        if (action == FileAction::Rotate) done = sink->rotate(now);
        else if (action == FileAction::Empty) done = sink->empty();
        else sink->reopen();
        if (!done && all) all = std::move(done);
    }
    if (!all) return tl::unexpected(std::move(all).error());
    return any;
}

void LogStore::set_put_aside(std::function<void(const LogPath&, const model::RotateSpec&)> put_aside) { impl_->sinks.set_put_aside(std::move(put_aside)); }

base::Result<base::Fd> LogStore::open_reader(std::vector<LogSource> sources, std::vector<std::string> apps, const ReaderOptions& options,
                                             std::function<bool(base::InstanceId)> later)
{
    return impl_->readers.add(sources, std::move(apps), std::move(later), options, impl_->options.max_reader_buffer,
                               impl_->options.max_readers_of_user);
}

void LogStore::message(const engine::ProcessMessage& message)
{
    if (impl_->readers.size() == 0) return;
    LineBatch line;
    line.add_owned(message.json + '\n', false);
    impl_->readers.publish(std::make_shared<const Origin>(Origin{message.app, message.id, message.slot}), Stream::Messages,
                           line, std::chrono::system_clock::now());
}

void LogStore::forget_app(const std::string& app) { impl_->readers.forget_app(app); }

void LogStore::set_options(LogOptions options)
{
    impl_->sinks.set_private_directory(options.directory);
    impl_->options = std::move(options);
}

std::size_t LogStore::open_streams() const { return impl_->streams.size(); }

std::size_t LogStore::open_readers() const { return impl_->readers.size(); }

} // namespace pm::logs
