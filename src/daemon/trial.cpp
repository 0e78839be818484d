// SPDX-License-Identifier: Apache-2.0
#include "daemon/trial.hpp"

#include "base/text.hpp"
#include "daemon/handover.hpp"

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace pm::daemon {
namespace {

constexpr std::chrono::seconds kMostTime{10};
constexpr std::size_t kMostSaid = 4096;
constexpr int kHandoverNumber = 3;

struct Actions {
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    Actions()
    {
        posix_spawn_file_actions_init(&files);
        posix_spawnattr_init(&attributes);
    }
    ~Actions()
    {
        posix_spawn_file_actions_destroy(&files);
        posix_spawnattr_destroy(&attributes);
    }
    Actions(const Actions&) = delete;
    Actions& operator=(const Actions&) = delete;
};

/// What we ignore and block is not to be inherited.
void set_up(posix_spawnattr_t& attributes)
{
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setpgroup(&attributes, 0); // what it starts is ended with it
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
}

} // namespace

base::Result<std::unique_ptr<Trial>> Trial::start(io::EventLoop& loop, const Invocation& invocation, const base::Fd& handover,
                                                  std::function<void(const base::Result<void>&)> done)
{
    std::unique_ptr<Trial> trial(new Trial(invocation.program, std::move(done)));
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) < 0) return base::fail_errno("trying the new pmd", errno);
    trial->output_ = base::Fd(ends[0]);
    const base::Fd theirs(ends[1]);
    ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
    const base::Fd file(::fcntl(handover.get(), F_DUPFD_CLOEXEC, kHandoverNumber + 1)); // dup2 onto itself would not clear close-on-exec
    if (!file) return base::fail_errno("trying the new pmd", errno);
    if (auto begun = trial->spawn(invocation, file.get(), theirs.get()); !begun) return tl::unexpected(begun.error());
    if (auto watched = trial->watch(loop); !watched) return tl::unexpected(watched.error());
    return trial;
}

base::Result<void> Trial::spawn(const Invocation& invocation, int handover, int output)
{
    std::vector<std::string> arguments = invocation.arguments, environment = invocation.environment;
    arguments.emplace_back("--check-upgrade");
    environment.push_back(std::string(kHandoverVariable) + std::to_string(kHandoverNumber));
    Actions actions;
    posix_spawn_file_actions_adddup2(&actions.files, output, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions.files, output, STDERR_FILENO);
    posix_spawn_file_actions_adddup2(&actions.files, handover, kHandoverNumber);
    set_up(actions.attributes);
    const int error = posix_spawn(&pid_, program_.c_str(), &actions.files, &actions.attributes, pointers_to(arguments).data(),
                                  pointers_to(environment).data());
    if (error != 0) return base::fail_errno(fmt::format("executing '{}'", program_), error);
    pidfd_ = base::Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
    return {};
}

base::Result<void> Trial::watch(io::EventLoop& loop)
{
    auto readable = loop.add_io(output_.get(), EPOLLIN, io::Priority::Normal, [this](std::uint32_t) { read(); });
    if (!readable) return tl::unexpected(readable.error());
    readable_ = *std::move(readable);
    auto give_up = loop.add_timer(std::chrono::steady_clock::now() + kMostTime, io::Priority::Normal, [this] { end(false); });
    if (!give_up) return tl::unexpected(give_up.error());
    give_up_ = *std::move(give_up);
    return {};
}

/// Its end is seen by the end of what it says: who waits for all of pmd's children may have its exit status.
void Trial::read()
{
    std::array<char, 1024> piece{};
    const ssize_t got = ::read(output_.get(), piece.data(), piece.size());
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) return end(true);
    said_.append(piece.data(), static_cast<std::size_t>(got));
    if (said_.size() > kMostSaid) said_.erase(0, said_.size() - kMostSaid);
}

void Trial::end(bool in_time)
{
    const auto done = std::move(done_);
    while (said_.ends_with('\n')) said_.pop_back();
    base::Result<void> result;
    if (!in_time)
        result = base::fail(base::ErrorCode::Failed, fmt::format("'{}' does not say within {} s whether it can take over", program_, kMostTime.count()));
    else if (!said_.ends_with(kGood))
        result = base::fail(base::ErrorCode::Failed,
                            fmt::format("'{}' cannot take over, the present pmd goes on: {}", program_, said_.empty() ? "it says nothing" : said_));
    done(result); // which may destroy this
}

/// It is about to exit, or is killed: a short wait. Its number is its own as long as nobody has reaped it.
Trial::~Trial()
{
    if (!pidfd_ || ::syscall(SYS_pidfd_send_signal, pidfd_.get(), SIGKILL, nullptr, 0) < 0) return;
    ::kill(-pid_, SIGKILL);
    ::waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(pidfd_.get()), nullptr, WEXITED);
}

} // namespace pm::daemon
