// SPDX-License-Identifier: Apache-2.0
#include "cli/password_agent.hpp"

#include "base/fd.hpp"

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <string>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace pm::cli {
namespace {

constexpr int kPatienceMsec = 5'000;

[[noreturn]] void become_agent(int ready, pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent) _exit(1);
    fcntl(ready, F_SETFD, 0);
    const std::string process = std::to_string(parent);
    const std::string notify = std::to_string(ready);
    execlp("pkttyagent", "pkttyagent", "--process", process.c_str(), "--notify-fd", notify.c_str(), "--fallback",
           static_cast<char*>(nullptr));
    _exit(127);
}

} // namespace

PasswordAgent::PasswordAgent()
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0) return;
    const base::Fd ours(ends[0]);
    base::Fd theirs(ends[1]);
    const pid_t parent = getpid();
    pid_ = fork();
    if (pid_ == 0) become_agent(theirs.get(), parent);
    theirs.reset();
    // It closes its end when it is registered, or ends.
    pollfd poll_for{ours.get(), POLLIN, 0};
    if (pid_ > 0)
        while (poll(&poll_for, 1, kPatienceMsec) < 0 && errno == EINTR) {
        }
}

PasswordAgent::~PasswordAgent()
{
    if (pid_ <= 0) return;
    // It may have put the terminal into another mode: SIGTERM lets it mend that. SIGCONT in case it is stopped.
    kill(pid_, SIGTERM);
    kill(pid_, SIGCONT);
    while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
}

} // namespace pm::cli
