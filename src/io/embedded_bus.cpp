// SPDX-License-Identifier: Apache-2.0
#include "io/embedded_bus.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

namespace pm::io {
namespace {

constexpr int kStartTimeoutMsec = 10'000;

/// dbus-daemon(1). EXTERNAL authentication, and only our own user (and root) may connect: the default of a bus without
/// an allow rule for users. Generous limits: the callers are all one user, pmd bounds what it keeps itself.
std::string configuration(const std::string& address)
{
    return fmt::format(R"(<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>{}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
  <limit name="max_incoming_bytes">1000000000</limit>
  <limit name="max_outgoing_bytes">1000000000</limit>
  <limit name="max_message_size">134217728</limit>
  <limit name="max_match_rules_per_connection">50000</limit>
  <limit name="max_replies_per_connection">50000</limit>
  <limit name="max_completed_connections">4096</limit>
  <limit name="max_connections_per_user">4096</limit>
  <limit name="max_incomplete_connections">1024</limit>
  <limit name="auth_timeout">5000</limit>
</busconfig>
)",
                       address);
}

base::Result<void> write_file(const std::string& path, const std::string& text)
{
    const base::Fd file(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file) return base::fail_errno(fmt::format("writing '{}'", path), errno);
    if (::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
        return base::fail_errno(fmt::format("writing '{}'", path), errno == 0 ? ENOSPC : errno);
    return {};
}

/// What dbus-daemon says goes into a file of its own: it also tells what concerns nobody, as that it could not raise a limit.
constexpr const char* kLogName = "/bus.log";
constexpr rlim_t kMostLogged = 1u << 20;

base::Fd open_log(const std::string& directory)
{
    const std::string path = directory + kLogName;
    return base::Fd(open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600));
}

/// Its last line, for people.
std::string last_words(int log)
{
    std::array<char, 4096> text{};
    const off_t size = lseek(log, 0, SEEK_END);
    const auto from = std::max<off_t>(0, size - static_cast<off_t>(text.size()));
    const ssize_t got = pread(log, text.data(), text.size(), from);
    std::string_view words(text.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
    while (words.ends_with('\n')) words.remove_suffix(1);
    words.remove_prefix(words.rfind('\n') + 1); // npos + 1 is 0
    return words.empty() ? std::string() : fmt::format(" (it said: {})", base::printable(words));
}

[[noreturn]] void become_dbus_daemon(const std::string& config, int ready, int log, pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent) _exit(1); // pmd died before the line above
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    std::signal(SIGPIPE, SIG_DFL);
    // It would tell pmd's own starter READY=1, and take pmd's sockets for its own.
    for (const char* ours : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID"}) unsetenv(ours);
    setsid(); // a Ctrl-C on pmd's terminal is pmd's to handle
    const int null = open("/dev/null", O_RDWR);
    dup2(null, STDIN_FILENO);
    dup2(null, STDOUT_FILENO);
    dup2(log, STDERR_FILENO);
    const rlimit bound{kMostLogged, kMostLogged};
    setrlimit(RLIMIT_FSIZE, &bound); // it writes no other file
    std::signal(SIGXFSZ, SIG_IGN);
    dup2(ready, 3);
    fcntl(3, F_SETFD, 0);
    close_range(4, ~0U, 0);
    const std::string option = "--config-file=" + config;
    execlp("dbus-daemon", "dbus-daemon", option.c_str(), "--nofork", "--nopidfile", "--nosyslog", "--print-address=3",
           static_cast<char*>(nullptr));
    _exit(127);
}

/// True once the daemon has printed its address; false when it ended or took too long.
bool wait_until_ready(int ready)
{
    pollfd poll_for{ready, POLLIN, 0};
    int count = 0;
    do
        count = poll(&poll_for, 1, kStartTimeoutMsec);
    while (count < 0 && errno == EINTR);
    std::array<char, 256> address{};
    return count == 1 && ::read(ready, address.data(), address.size()) > 0;
}

/// Of the socket's file; 0 when there is none.
ino_t inode_of(const std::string& directory)
{
    struct stat status {};
    return ::lstat((directory + "/bus").c_str(), &status) == 0 && S_ISSOCK(status.st_mode) ? status.st_ino : 0;
}

} // namespace

base::Result<EmbeddedBus> EmbeddedBus::start(EventLoop& loop, const std::string& directory, const std::string& address,
                                             std::function<void()> on_end)
{
    const std::string config = directory + "/bus.conf";
    if (auto written = write_file(config, configuration(address)); !written) return tl::unexpected(written.error());
    unlink((directory + "/bus").c_str()); // we hold the lock: what is there is stale
    std::array<int, 2> pipe_ends{};
    if (pipe2(pipe_ends.data(), O_CLOEXEC) < 0) return base::fail_errno("starting the private bus", errno);
    const base::Fd ready(pipe_ends[0]);
    base::Fd ready_writer(pipe_ends[1]);

    const base::Fd log = open_log(directory);
    if (!log) return base::fail_errno(fmt::format("writing '{}{}'", directory, kLogName), errno);
    const pid_t parent = getpid();
    const pid_t pid = fork();
    if (pid < 0) return base::fail_errno("starting the private bus", errno);
    if (pid == 0) become_dbus_daemon(config, ready_writer.get(), log.get(), parent);
    ready_writer.reset();

    EmbeddedBus bus;
    bus.directory_ = directory;
    bus.pid_ = pid;
    bus.pidfd_ = base::Fd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
    if (!bus.pidfd_) return base::fail_errno("watching the private bus", errno);
    if (!wait_until_ready(ready.get()))
        return base::fail(base::ErrorCode::Failed,
                          fmt::format("starting a private dbus-daemon in '{}' failed: is the package 'dbus-daemon' "
                                      "installed and the directory writable?{}",
                                      directory, last_words(log.get())));
    bus.socket_ = inode_of(directory);
    if (auto watched = bus.watch(loop, std::move(on_end)); !watched) return tl::unexpected(watched.error());
    return bus;
}

bool EmbeddedBus::is_reachable() const { return socket_ != 0 && inode_of(directory_) == socket_; }

base::Result<EmbeddedBus> EmbeddedBus::adopt(EventLoop& loop, const std::string& directory, pid_t pid, base::Fd pidfd,
                                             std::function<void()> on_end)
{
    EmbeddedBus bus;
    bus.directory_ = directory;
    bus.pid_ = pid;
    bus.pidfd_ = std::move(pidfd);
    bus.socket_ = inode_of(directory);
    if (auto watched = bus.watch(loop, std::move(on_end)); !watched) return tl::unexpected(watched.error());
    return bus;
}

base::Result<void> EmbeddedBus::watch(EventLoop& loop, std::function<void()> on_end)
{
    auto source = loop.add_io(pidfd_.get(), EPOLLIN, Priority::Normal, [on_end = std::move(on_end)](std::uint32_t) { on_end(); });
    if (!source) return tl::unexpected(source.error());
    watch_ = std::move(*source);
    return {};
}

EmbeddedBus::EmbeddedBus(EmbeddedBus&& other) noexcept
    : directory_(std::move(other.directory_)), pid_(std::exchange(other.pid_, 0)), socket_(other.socket_), pidfd_(std::move(other.pidfd_)), watch_(std::move(other.watch_))
{
}

EmbeddedBus& EmbeddedBus::operator=(EmbeddedBus&& other) noexcept
{
    if (this == &other) return *this;
    end();
    directory_ = std::move(other.directory_);
    pid_ = std::exchange(other.pid_, 0);
    socket_ = other.socket_;
    pidfd_ = std::move(other.pidfd_);
    watch_ = std::move(other.watch_);
    return *this;
}

EmbeddedBus::~EmbeddedBus() { end(); }

void EmbeddedBus::end() noexcept
{
    watch_.reset();
    if (pidfd_) {
        // By pidfd, so that a reused pid is never hit; SIGKILL, so that the wait is short. It keeps no state.
        syscall(SYS_pidfd_send_signal, pidfd_.get(), SIGKILL, nullptr, 0);
        waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(pidfd_.get()), nullptr, WEXITED);
        pidfd_.reset();
        for (const char* file : {"/bus", "/bus.conf"}) unlink((directory_ + file).c_str());
    }
    pid_ = 0;
}

} // namespace pm::io
