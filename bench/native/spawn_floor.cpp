// SPDX-License-Identifier: Apache-2.0
// The floor: what the machine itself needs to start programs, and to start one again when it died.
//
// A bare posix_spawn loop, stdio on /dev/null; nothing is logged, watched, limited or reported.
// Usage: spawn-floor COUNT PROGRAM BOARD     prints {"begin":ns,"end":ns}, then restarts whatever dies, until killed
// by the closing of its standard input.
#include "event_board.hpp"

#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <poll.h>
#include <map>
#include <spawn.h>
#include <string>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <csignal>

namespace {

class Spawner {
public:
    Spawner(std::string program, std::string board) : program_(std::move(program)), board_(std::move(board)) {
        posix_spawn_file_actions_init(&actions_);
        posix_spawn_file_actions_addopen(&actions_, 0, "/dev/null", O_RDONLY, 0);
        posix_spawn_file_actions_addopen(&actions_, 1, "/dev/null", O_WRONLY, 0);
        posix_spawn_file_actions_adddup2(&actions_, 1, 2);
        posix_spawnattr_init(&attributes_);
        sigset_t none;
        sigemptyset(&none);
        posix_spawnattr_setsigmask(&attributes_, &none);
        posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK);
    }

    void start(int index) {
        std::string label = "app-" + std::to_string(index);
        char* arguments[] = {program_.data(), board_.data(), label.data(), nullptr};
        char* environment[] = {nullptr};
        pid_t pid = 0;
        if (posix_spawn(&pid, program_.c_str(), &actions_, &attributes_, arguments, environment) == 0) {
            children_[pid] = index;
        }
    }

    /// Starts everything again that has ended.
    void revive() {
        int status = 0;
        for (pid_t pid = 0; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
            const auto found = children_.find(pid);
            const int index = found->second;
            children_.erase(found);
            start(index);
        }
    }

    void end() const {
        for (const auto& [pid, index] : children_) {
            ::kill(pid, SIGKILL);
        }
    }

private:
    std::string program_;
    std::string board_;
    posix_spawn_file_actions_t actions_{};
    posix_spawnattr_t attributes_{};
    std::map<pid_t, int> children_;
};

int watch_children() {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGCHLD);
    sigprocmask(SIG_BLOCK, &signals, nullptr);
    return signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 4) {
        fputs("usage: spawn-floor COUNT PROGRAM BOARD\n", stderr);
        return 2;
    }
    const int count = atoi(argv[1]);
    const int signals = watch_children();
    Spawner spawner(argv[2], argv[3]);
    const std::uint64_t begin = pm::bench::now_ns();
    for (int index = 0; index < count; ++index) {
        spawner.start(index);
    }
    printf("{\"begin\":%" PRIu64 ",\"end\":%" PRIu64 "}\n", begin, pm::bench::now_ns());
    fflush(stdout);
    pollfd polled[] = {{.fd = signals, .events = POLLIN, .revents = 0}, {.fd = 0, .events = POLLIN, .revents = 0}};
    while (poll(polled, 2, -1) >= 0 && polled[1].revents == 0) {
        signalfd_siginfo info{};
        while (read(signals, &info, sizeof info) > 0) {
        }
        spawner.revive();
    }
    spawner.end();
    return 0;
}
