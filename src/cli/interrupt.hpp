// SPDX-License-Identifier: Apache-2.0
// Ctrl-C as a readable descriptor for as long as this lives.
#pragma once

#include "base/fd.hpp"

#include <csignal>

namespace pm::cli {

class Interrupt {
public:
    Interrupt();
    ~Interrupt();
    Interrupt(const Interrupt&) = delete;
    Interrupt& operator=(const Interrupt&) = delete;
    [[nodiscard]] int fd() const noexcept { return fd_.get(); }
    [[nodiscard]] bool pressed() const noexcept;

private:
    sigset_t before_{};
    base::Fd fd_;
};

} // namespace pm::cli
