// SPDX-License-Identifier: Apache-2.0
// All readers: makes their pipes, hands them new lines, drops those who are gone.
#pragma once

#include "logs/reader.hpp"

#include <map>
#include <memory>
#include <optional>
#include <sys/types.h>

namespace pm::logs {

class ReaderSet {
public:
    static constexpr std::size_t kMaxReaders = 64;
    static constexpr std::size_t kMaxOfUsers = 48; ///< of all users whose share is bounded: the rest is for those who have none

    explicit ReaderSet(io::EventLoop& loop) : loop_(loop) {}
    base::Result<base::Fd> add(const std::vector<LogSource>& sources, std::vector<std::string> apps,
                               std::function<bool(base::InstanceId)> later, const ReaderOptions& options, std::size_t max_buffer,
                               std::size_t max_of_user);
    /// Cheap when nobody reads.
    void publish(const std::shared_ptr<const Origin>& origin, Stream stream, const LineBatch& batch, model::WallTime when);
    void forget_app(const std::string& app);
    [[nodiscard]] std::size_t size() const { return readers_.size(); }

private:
    io::EventLoop& loop_;
    std::uint64_t last_key_ = 0;
    struct Entry {
        std::unique_ptr<Reader> reader;
        std::optional<uid_t> user;
    };
    std::map<std::uint64_t, Entry> readers_;
};

} // namespace pm::logs
