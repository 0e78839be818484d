// SPDX-License-Identifier: Apache-2.0
// Keeps what apps write: reads their pipes line by line, appends to files, and feeds those who follow.
//
// Shape: pipe -> LineSplitter (joins partial lines, as long and as many bytes as they are waited for) -> Sink (one per file path, shared by the
// instances that share a file) and -> Readers (one per OpenLog call, each with its own bounded queue). A pipe's event
// source has Priority::Output and one wake-up reads a bounded amount, so a flood delays nobody. Failing writes (full
// disk, vanished directory) lose lines, never the daemon: the first loss is reported, then the number lost when writing
// works again.
//
// Messages of processes (OpenMessages) are lines of one more stream, which is kept nowhere: they go to Readers alone.
//
// Apps whose lines go to the journal get sockets of journald instead of pipes: their output never comes through pmd.
#pragma once

#include "engine/ports.hpp"
#include "io/event_loop.hpp"
#include "logs/paths.hpp"
#include "logs/pipe_depot.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace pm::logs {

struct LogOptions {
    std::string directory;               ///< default place of files: <state>/logs; made when needed, mode 0700
    std::size_t max_line = 64u << 10;    ///< bytes for which the end of a line is waited for
    model::Duration patience = std::chrono::milliseconds(250); ///< how long it is waited for
    std::size_t max_reader_buffer = 1u << 20; ///< bytes per reader
    std::size_t max_readers_of_user = 16;
    bool journal = false;                ///< processes are units of systemd: their lines can go to the journal
    bool journal_by_default = true;      ///< and do so unless a spec says otherwise
    bool survive_us = false;             ///< who writes to a pipe while no pmd reads waits for the next one instead of being ended by SIGPIPE
    std::string journal_socket = "/run/systemd/journal/stdout";
};

/// What readers follow: what a process writes, and what it sends over its message channel.
enum class Stream { Out, Err, Messages };

/// What was read of a line that has not come to its end.
struct BegunLine {
    std::string text;         ///< what was not passed on
    bool open = false;        ///< a piece of it was passed on already
    bool in_file = false;     ///< with which the file ends
    bool in_combined = false; ///< likewise, the combined file
};

/// What one reader sees.
struct LogSource {
    std::string app;
    base::InstanceId id;
    base::Slot slot;
    LogPaths paths;
    model::LogSpec spec; ///< how the lines of its files begin, which tells when they came
};
enum class ReaderFormat { Raw, Json };
struct ReaderOptions {
    std::uint32_t lines = 15; ///< history per file; at most 10'000 are given
    bool follow = true;
    bool out = true;
    bool err = true;
    bool messages = false; ///< they have no history
    ReaderFormat format = ReaderFormat::Json;
    bool mark_history_end = false; ///< says where the old lines end, in Json
    std::optional<uid_t> user{};   ///< who reads, if the share of one user is bounded
};

class LogStore final : public engine::Output {
public:
    /// `warn` gets sentences for the daemon's own log.
    LogStore(io::EventLoop& loop, LogOptions options, std::function<void(const std::string&)> warn);
    ~LogStore() override;

    base::Result<engine::Stdio> open(const engine::LaunchRequest& request, const model::SharedIdentity& user) override;
    /// Goes on reading the pipes of a process that an earlier pmd launched, as far as the depot has them.
    void resume(const engine::LaunchRequest& request, const model::SharedIdentity& user) override;
    void forget(base::InstanceId id) override;
    /// The name in the depot of the pipe of a process.
    [[nodiscard]] static std::string name_in_depot(engine::ProcessKey key, Stream stream);
    /// Keeps the pipes of processes that outlive pmd; must outlive this. Before the first open().
    void set_depot(PipeDepot& depot);
    /// Reads what the pipes have now, bounded: what an ended process said last is heard, as nobody resumes its pipes.
    void catch_up();
    /// The lines of which only a beginning was read, by the names of their pipes in the depot.
    [[nodiscard]] std::map<std::string, BegunLine> begun_lines() const;
    /// For resume(): begun_lines() of an earlier pmd, of all its pipes.
    void go_on_with(std::map<std::string, BegunLine> begun_lines);
    /// Passes on what there is of begun lines, as nobody comes after this.
    void flush();
    /// Whether processes of `spec` write to the journal.
    [[nodiscard]] bool goes_to_journal(const model::AppSpec& spec) const;
    /// The files of the instance's last process: neither a scaling since nor a new spec changes where that one writes.
    /// Empty ones when it writes to the journal; nothing when the instance had no process yet.
    [[nodiscard]] std::optional<LogPaths> paths_of(base::InstanceId id) const;

    /// Why lines of the instance's last process are being lost, for each of its files where they are.
    [[nodiscard]] std::vector<std::string> troubles_of(base::InstanceId id) const;

    /// What the instance's last process writes is rotated so from the next line on.
    void set_rotation(base::InstanceId id, const model::RotateSpec& rotation);
    /// What is done with the files of the instance's last process now.
    enum class FileAction { Rotate, Empty, Reopen };
    /// False: it has none. Error: the first that happened; the rest was done.
    base::Result<bool> act(base::InstanceId id, FileAction action);
    /// Hears of each file that was put aside.
    void set_put_aside(std::function<void(const LogPath& path, const model::RotateSpec& rotation)> put_aside);

    /// The read end of a pipe that gets the last lines of `sources` and, when following, the new ones. History is read in
    /// bounded pieces between other work. A following reader also gets the lines of instances of `apps` that start later, and
    /// of other apps those that `later` takes, which is asked once for each process.
    base::Result<base::Fd> open_reader(std::vector<LogSource> sources, std::vector<std::string> apps, const ReaderOptions& options,
                                       std::function<bool(base::InstanceId)> later = {});
    /// For readers of messages.
    void message(const engine::ProcessMessage& message);
    /// An app of this name is somebody else's from now on: who follows gets no line of it. What was read before stays.
    void forget_app(const std::string& app);
    void set_options(LogOptions options);
    /// Open pipes and files, for the daemon's own accounting and for tests.
    [[nodiscard]] std::size_t open_streams() const;
    [[nodiscard]] std::size_t open_readers() const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace pm::logs
