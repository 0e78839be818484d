// SPDX-License-Identifier: Apache-2.0
// The event board: a file that fixtures map and stamp "I run now" into, so that nobody has to watch them start.
//
// A fixture costs the observer nothing: it adds its record, and only the one that completes the number the observer
// waits for writes a byte to the fifo the observer sleeps on. bench/harness/board.py is the other side.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <string>
#include <sys/mman.h>
#include <unistd.h>

namespace pm::bench {

/// CLOCK_MONOTONIC in nanoseconds: one clock for all processes of the machine.
inline std::uint64_t now_ns() {
    timespec time{};
    clock_gettime(CLOCK_MONOTONIC, &time);
    return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000u + static_cast<std::uint64_t>(time.tv_nsec);
}

struct BoardRecord {
    std::uint64_t when_ns; ///< written last; 0: not complete
    std::uint32_t pid;
    std::uint32_t kind; ///< 'S' started, 'R' ready for signals, 'T' told to end
    char label[16];
};
static_assert(sizeof(BoardRecord) == 32);

struct Board {
    std::uint32_t capacity;
    std::atomic<std::uint32_t> reserved;
    std::atomic<std::uint32_t> complete;
    std::atomic<std::uint32_t> target; ///< the observer wants to be woken when `complete` becomes this
    std::uint32_t unused[12];
    BoardRecord records[1];
};
static_assert(offsetof(Board, records) == 64);

class BoardWriter {
public:
    explicit BoardWriter(const char* path) : fifo_(std::string(path) + ".fifo") {
        const int fd = open(path, O_RDWR | O_CLOEXEC);
        if (fd < 0) {
            return;
        }
        const off_t size = lseek(fd, 0, SEEK_END);
        void* map = mmap(nullptr, static_cast<std::size_t>(size), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        close(fd);
        board_ = map == MAP_FAILED ? nullptr : static_cast<Board*>(map);
    }

    void add(char kind, const char* label, std::uint64_t when_ns) {
        if (board_ == nullptr) {
            return;
        }
        const std::uint32_t index = board_->reserved.fetch_add(1);
        if (index >= board_->capacity) {
            return;
        }
        BoardRecord& record = board_->records[index];
        record.pid = static_cast<std::uint32_t>(getpid());
        record.kind = static_cast<std::uint32_t>(kind);
        strncpy(record.label, label, sizeof record.label - 1);
        std::atomic_ref<std::uint64_t>(record.when_ns).store(when_ns);
        if (board_->complete.fetch_add(1) + 1 == board_->target.load()) {
            wake();
        }
    }

private:
    void wake() const {
        const int fd = open(fifo_.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC);
        if (fd >= 0) {
            [[maybe_unused]] const ssize_t written = write(fd, "!", 1);
            close(fd);
        }
    }

    std::string fifo_;
    Board* board_ = nullptr;
};

} // namespace pm::bench
