// SPDX-License-Identifier: Apache-2.0
// An owned file descriptor. Whoever makes one makes it O_CLOEXEC from birth.
#pragma once

#include <unistd.h>
#include <utility>

namespace pm::base {

class Fd {
public:
    Fd() noexcept = default;
    /// Takes ownership of `fd`; a negative value is "none".
    explicit Fd(int fd) noexcept : fd_(fd) {}
    Fd(const Fd&) = delete;
    Fd& operator=(const Fd&) = delete;
    Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Fd& operator=(Fd&& other) noexcept
    {
        Fd taken(std::move(other));
        std::swap(fd_, taken.fd_);
        return *this;
    }
    ~Fd() { reset(); }

    [[nodiscard]] int get() const noexcept { return fd_; }
    [[nodiscard]] explicit operator bool() const noexcept { return fd_ >= 0; }
    [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }
    void reset() noexcept
    {
        if (fd_ >= 0) ::close(std::exchange(fd_, -1));
    }

private:
    int fd_ = -1;
};

} // namespace pm::base
