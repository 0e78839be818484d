// SPDX-License-Identifier: Apache-2.0
// The app that every manager runs in the benchmark: says when it runs, then sleeps until it is told to end.
//
// Linked statically, so that its own start-up is as near to the execve as a program can come.
// Usage: bench-app BOARD LABEL [now | slow | ignore]
//   now     dies of the first signal, as `sleep` does
//   slow    ends 50 ms after SIGTERM or SIGINT
//   ignore  notes SIGTERM and SIGINT on the board, and stays
#include "event_board.hpp"

#include <csignal>
#include <cstdio>
#include <string_view>

namespace {

constexpr timespec kSlowEnd{.tv_sec = 0, .tv_nsec = 50'000'000};

/// Takes signals as they come, without a handler.
void live(pm::bench::BoardWriter& board, const char* label, std::string_view mode) {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigprocmask(SIG_BLOCK, &signals, nullptr);
    board.add('R', label, pm::bench::now_ns());
    for (;;) {
        if (sigwaitinfo(&signals, nullptr) < 0) {
            continue;
        }
        board.add('T', label, pm::bench::now_ns());
        if (mode == "slow") {
            nanosleep(&kSlowEnd, nullptr);
            return;
        }
    }
}

} // namespace

int main(int argc, char** argv) {
    const std::uint64_t started = pm::bench::now_ns();
    if (argc < 3) {
        fputs("usage: bench-app BOARD LABEL [now|slow|ignore]\n", stderr);
        return 2;
    }
    pm::bench::BoardWriter board(argv[1]);
    board.add('S', argv[2], started);
    const std::string_view mode = argc > 3 ? argv[3] : "now";
    if (mode != "now") {
        live(board, argv[2], mode);
        return 0;
    }
    for (;;) {
        pause();
    }
}
