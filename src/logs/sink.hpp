// SPDX-License-Identifier: Apache-2.0
// Where lines end up: one Sink per path, shared by all streams that go there, so that lines never interleave. A line that
// is written in pieces stands in one line as long as nobody else writes between them; who does begins a line of his own. Apps that
// run as different users share no sink, even where they name one path: each writes there if his own rights let him, and
// loses his lines, with a word about why, if they do not.
//
// A sink opens its file at the first line and keeps it; the pool closes the least recently used one when too many are
// open, to be opened again when needed. Once a second a write looks whether the file was moved away. A write that fails
// loses its lines, is reported once, and is tried again after a second; then the number lost is reported.
#pragma once

#include "logs/log_file.hpp"
#include "model/status.hpp"

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace pm::logs {

class SinkPool;

/// Where blocks belong in the file.
struct SinkPlace {
    std::uint64_t writer = 0;   ///< whose lines they are; 0: nobody's who would go on with one
    bool continues = false;     ///< they go on with a line of the writer's
    bool may_continue = false;  ///< or, if the file ends within a line that an earlier pmd wrote, with that
    std::string_view resumed{}; ///< what is written before the rest of a line that others came into
    std::string_view parted = "\n"; ///< what ends the writer's line where others come into it; lives as long as the sink
};

class Sink {
public:
    Sink(SinkPool& pool, LogPath path) : pool_(pool), path_(std::move(path)) {}
    ~Sink() { close(); }
    Sink(const Sink&) = delete;
    Sink& operator=(const Sink&) = delete;

    /// Appends blocks of lines; the last one goes on unless it ends with '\n'.
    void write(std::span<const std::string_view> blocks, model::TimePoint now, const SinkPlace& place = {});
    /// Why lines are being lost; empty: they are not.
    [[nodiscard]] std::string trouble() const { return loss_ ? loss_->why : std::string(); }
    /// From the next line on.
    void set_rotation(const model::RotateSpec& rotation) { rotation_ = rotation; }
    /// Puts the file aside now, unless there is none or nothing in it. Error: why it could not be done.
    base::Result<void> rotate(model::TimePoint now);
    /// Empties the file. Error: why it could not be done.
    base::Result<void> empty();
    /// Opens the file anew for the next line.
    void reopen() { close(); }
    /// Whether the file ends within a line of `writer`.
    [[nodiscard]] bool is_within_line_of(std::uint64_t writer) const noexcept { return tail_ && tail_->writer == writer; }
    /// An earlier pmd wrote the line with which the file ends for the same process.
    void go_on_for(std::uint64_t writer, std::string_view parted) { tail_ = Tail{writer, parted, 0, 0}; }

private:
    friend class SinkPool;
    struct Open {
        LogFile file;
        model::TimePoint checked;
        std::list<Sink*>::iterator place; ///< in the pool's list of open sinks
    };
    struct Loss {
        std::string why;
        std::uint64_t lines = 0;
        bool torn = false; ///< the file ends within a line
        model::TimePoint retry;
    };
    /// The file ends within a line.
    struct Tail {
        std::uint64_t writer = 0; ///< 0: of an earlier pmd
        std::string_view parted;
        dev_t device = 0;
        ino_t inode = 0;
    };

    void write_together(std::span<const std::string_view> blocks, model::TimePoint now, const SinkPlace& place);
    [[nodiscard]] std::uint64_t room() const noexcept;
    base::Result<void> make_open(model::TimePoint now);
    [[nodiscard]] bool is_to_be_rotated(std::span<const std::string_view> blocks, model::TimePoint now, bool continues) const;
    void look_at_tail();
    void end_torn_line();
    void failed(const std::string& why, std::span<const std::string_view> blocks, std::size_t written,
                model::TimePoint now);
    void recovered();
    void close();

    SinkPool& pool_;
    LogPath path_;
    std::optional<Open> open_;
    std::optional<Loss> loss_;
    std::optional<Tail> tail_;
    model::RotateSpec rotation_;
    bool complained_ = false;
    model::TimePoint rotate_again_{}; ///< what could not be put aside is tried again not before
};

class SinkPool {
public:
    static constexpr std::size_t kMaxOpen = 512;

    /// Directories below `private_directory` are made for the owner alone. `warn` gets sentences.
    SinkPool(std::string private_directory, std::function<void(const std::string&)> warn,
             std::size_t max_open = kMaxOpen)
        : private_directory_(std::move(private_directory)), warn_(std::move(warn)), max_open_(max_open)
    {
    }
    /// The sink of `path`; null for an empty path. The pool must outlive it.
    [[nodiscard]] std::shared_ptr<Sink> get(const LogPath& path);
    /// Sink::trouble() of the one of `path`, if there is one.
    [[nodiscard]] std::string trouble(const LogPath& path) const;
    void set_private_directory(std::string directory) { private_directory_ = std::move(directory); }
    [[nodiscard]] std::size_t open_count() const { return open_.size(); }
    /// Hears of each file that was put aside.
    using PutAside = std::function<void(const LogPath& path, const model::RotateSpec& rotation)>;
    void set_put_aside(PutAside put_aside) { put_aside_ = std::move(put_aside); }
    /// Tells of files of `path` that were put aside by an earlier pmd, or that may be too many now.
    void tell_put_aside(const LogPath& path, const model::RotateSpec& rotation) const
    {
        if (!path.path.empty() && rotation.is_on()) put_aside_(path, rotation);
    }

private:
    friend class Sink;
    std::string private_directory_;
    std::function<void(const std::string&)> warn_;
    std::size_t max_open_;
    PutAside put_aside_ = [](const LogPath&, const model::RotateSpec&) {};
    std::list<Sink*> open_; ///< most recently used first
    std::map<LogPath, std::weak_ptr<Sink>> sinks_;
};

} // namespace pm::logs
