// SPDX-License-Identifier: Apache-2.0
// Where lines end up: one Sink per path, shared by all streams that go there, so that lines never interleave. Apps that
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

class Sink {
public:
    Sink(SinkPool& pool, LogPath path) : pool_(pool), path_(std::move(path)) {}
    ~Sink() { close(); }
    Sink(const Sink&) = delete;
    Sink& operator=(const Sink&) = delete;

    /// Appends blocks of whole lines.
    void write(std::span<const std::string_view> blocks, model::TimePoint now);

private:
    friend class SinkPool;
    struct Open {
        LogFile file;
        model::TimePoint checked;
        std::list<Sink*>::iterator place; ///< in the pool's list of open sinks
    };
    struct Loss {
        std::uint64_t lines = 0;
        bool torn = false; ///< the file ends within a line
        model::TimePoint retry;
    };

    base::Result<void> make_open(model::TimePoint now);
    void end_torn_line();
    void failed(const std::string& why, std::span<const std::string_view> blocks, std::size_t written,
                model::TimePoint now);
    void recovered();
    void close();

    SinkPool& pool_;
    LogPath path_;
    std::optional<Open> open_;
    std::optional<Loss> loss_;
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
    void set_private_directory(std::string directory) { private_directory_ = std::move(directory); }
    [[nodiscard]] std::size_t open_count() const { return open_.size(); }

private:
    friend class Sink;
    std::string private_directory_;
    std::function<void(const std::string&)> warn_;
    std::size_t max_open_;
    std::list<Sink*> open_; ///< most recently used first
    std::map<LogPath, std::weak_ptr<Sink>> sinks_;
};

} // namespace pm::logs
