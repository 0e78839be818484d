// SPDX-License-Identifier: Apache-2.0
#include "cli/daemon_start.hpp"

#include "base/fd.hpp"
#include "base/text.hpp"
#include "pmd-config.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <climits>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

namespace pm::cli {
namespace {

constexpr int kReadyTimeoutMsec = 10'000;
constexpr off_t kTailBytes = 2000;

/// mkdir -p, mode 0700. `variable`: what moves the directory elsewhere.
Outcome<void> make_directory(const std::string& path, const char* variable)
{
    for (std::size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
        const std::string part = path.substr(0, end);
        if (mkdir(part.c_str(), 0700) < 0 && errno != EEXIST)
            return failed(kNoDaemon, fmt::format("pmd cannot be started: {}; set {} to a directory that can be written",
                                                 base::fail_errno(fmt::format("making directory '{}'", part), errno).value().message, variable));
        if (end == std::string::npos) return {};
    }
}

/// A datagram socket for sd_notify(3), gone from the file system when this goes.
class NotifySocket {
public:
    static Outcome<NotifySocket> make(const std::string& directory)
    {
        NotifySocket made;
        made.path_ = fmt::format("{}/notify-{}", directory, getpid());
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        if (made.path_.size() >= sizeof address.sun_path)
            return failed(kNoDaemon, fmt::format("'{}' is too long a path for a socket: set PMD_RUNTIME_DIR to a shorter "
                                               "one",
                                               directory));
        std::memcpy(address.sun_path, made.path_.data(), made.path_.size());
        unlink(made.path_.c_str());
        made.fd_ = base::Fd(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        if (!made.fd_ || bind(made.fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0)
            return failed(kNoDaemon, fmt::format("pmd cannot be started: {}; set PMD_RUNTIME_DIR to a directory that can be written, on a local file system",
                                                 base::fail_errno(fmt::format("making socket '{}'", made.path_), errno).value().message));
        return made;
    }
    NotifySocket(NotifySocket&& other) noexcept : fd_(std::move(other.fd_)), path_(std::move(other.path_)) {}
    NotifySocket& operator=(NotifySocket&&) = delete;
    ~NotifySocket()
    {
        if (fd_) unlink(path_.c_str());
    }
    [[nodiscard]] int fd() const noexcept { return fd_.get(); }
    [[nodiscard]] const std::string& path() const noexcept { return path_; }

    /// Reads what has come; true once READY=1 was among it.
    [[nodiscard]] bool ready() const
    {
        std::array<char, 4096> text{};
        for (;;) {
            const ssize_t count = recv(fd_.get(), text.data(), text.size(), MSG_DONTWAIT);
            if (count <= 0) return false;
            for (const std::string& line : base::split({text.data(), static_cast<std::size_t>(count)}, '\n'))
                if (line == "READY=1") return true;
        }
    }

private:
    NotifySocket() = default;
    base::Fd fd_;
    std::string path_;
};

/// The caller's environment without what belongs to the caller's own supervisor.
std::vector<std::string> daemon_environment(const NotifySocket& notify)
{
    constexpr std::array<std::string_view, 6> kNotOurs{"NOTIFY_SOCKET=", "WATCHDOG_USEC=", "WATCHDOG_PID=",
                                                       "LISTEN_FDS=",    "LISTEN_PID=",    "LISTEN_FDNAMES="};
    std::vector<std::string> environment;
    for (char** entry = environ; *entry != nullptr; ++entry) {
        const std::string_view line = *entry;
        const auto begins = [line](std::string_view name) { return line.starts_with(name); };
        if (std::none_of(kNotOurs.begin(), kNotOurs.end(), begins)) environment.emplace_back(line);
    }
    environment.push_back("NOTIFY_SOCKET=" + notify.path());
    return environment;
}

std::vector<char*> pointers(std::vector<std::string>& words)
{
    std::vector<char*> list;
    for (std::string& word : words) list.push_back(word.data());
    list.push_back(nullptr);
    return list;
}

/// posix_spawn(3)'s two objects, freed when this goes.
struct SpawnPlan {
    posix_spawn_file_actions_t files{};
    posix_spawnattr_t attributes{};

    explicit SpawnPlan(const base::Fd& log)
    {
        posix_spawn_file_actions_init(&files);
        posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
        posix_spawn_file_actions_adddup2(&files, log.get(), STDERR_FILENO);
        posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
        posix_spawn_file_actions_addchdir_np(&files, "/"); // the caller's directory can be unmounted later
        posix_spawnattr_init(&attributes);
        sigset_t none;
        sigset_t all;
        sigemptyset(&none);
        sigfillset(&all);
        posix_spawnattr_setsigmask(&attributes, &none);
        posix_spawnattr_setsigdefault(&attributes, &all);
        posix_spawnattr_setflags(&attributes, static_cast<short>(POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK |
                                                                 POSIX_SPAWN_SETSIGDEF));
    }
    SpawnPlan(const SpawnPlan&) = delete;
    SpawnPlan& operator=(const SpawnPlan&) = delete;
    ~SpawnPlan()
    {
        posix_spawn_file_actions_destroy(&files);
        posix_spawnattr_destroy(&attributes);
    }
};

/// Opened here, not by the child: posix_spawn(3) does not tell what it failed at.
Outcome<base::Fd> open_log(const std::string& path)
{
    base::Fd log(open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0600));
    if (log) return log;
    return failed(kNoDaemon, fmt::format("{}; it is pmd's own log: set PMD_STATE_DIR to a directory that can be written",
                                         base::fail_errno(fmt::format("opening '{}'", path), errno).value().message));
}

/// What was written to the log from `start` on, its end only.
std::string tail(const std::string& path, off_t start)
{
    const base::Fd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    struct stat status{};
    if (!file || fstat(file.get(), &status) < 0) return {};
    start = std::max(std::min(start, status.st_size), status.st_size - kTailBytes);
    std::string text(static_cast<std::size_t>(status.st_size - start), '\0');
    const ssize_t count = pread(file.get(), text.data(), text.size(), start);
    text.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
    return std::string(base::trim(text));
}

off_t size_of(const std::string& path)
{
    struct stat status{};
    return stat(path.c_str(), &status) == 0 ? status.st_size : 0;
}

/// True: READY=1 came. False: the process ended (or nothing came in time).
enum class Wait { Ready, Ended, TooLong };
Wait wait_until_ready(const NotifySocket& notify, int pidfd)
{
    using Clock = std::chrono::steady_clock;
    const auto deadline = Clock::now() + std::chrono::milliseconds(kReadyTimeoutMsec);
    for (;;) {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
        if (left <= 0) return Wait::TooLong;
        std::array<pollfd, 2> fds{pollfd{notify.fd(), POLLIN, 0}, pollfd{pidfd, POLLIN, 0}};
        if (poll(fds.data(), fds.size(), static_cast<int>(left)) < 0 && errno != EINTR) return Wait::TooLong;
        if (notify.ready()) return Wait::Ready;
        if ((fds[1].revents & POLLIN) != 0) return Wait::Ended;
    }
}

Outcome<bool> judge_end(int pidfd, const std::string& log, off_t log_start)
{
    siginfo_t info{};
    waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(pidfd), &info, WEXITED);
    if (info.si_code == CLD_EXITED && info.si_status == 0) return false; // "already running"
    const std::string how = info.si_code == CLD_EXITED ? fmt::format("exit status {}", info.si_status)
                                                       : base::signal_name(info.si_status);
    const std::string said = tail(log, log_start);
    return failed(kNoDaemon, fmt::format("pmd ended while starting ({}){}{}", how, said.empty() ? "" : ":\n", said));
}

} // namespace

std::string find_daemon(const Context& context)
{
    if (const auto wish = context.environment("PMD_DAEMON"); wish && !wish->empty()) return *wish;
    std::array<char, PATH_MAX> self{};
    const ssize_t length = readlink("/proc/self/exe", self.data(), self.size() - 1);
    if (length > 0) {
        const std::string path(self.data(), static_cast<std::size_t>(length));
        const std::string directory = path.substr(0, path.rfind('/'));
        for (const char* candidate : {"/pmd", "/../sbin/pmd", "/../daemon/pmd"})
            if (const std::string tried = directory + candidate; access(tried.c_str(), X_OK) == 0) return tried;
    }
    for (const char* candidate : {PMD_SBINDIR "/pmd", PMD_BINDIR "/pmd"})
        if (access(candidate, X_OK) == 0) return candidate;
    return {};
}

Outcome<bool> start_daemon(const Context& context, const BusChoice& embedded)
{
    const std::string program = find_daemon(context);
    if (program.empty()) return failed(kNoDaemon, "the program 'pmd' is not installed beside pmctl; PMD_DAEMON names it");
    // The runtime directory may be in the state directory.
    if (auto made = make_directory(embedded.state_dir, "PMD_STATE_DIR"); !made) return failed(made.error());
    if (auto made = make_directory(embedded.runtime_dir, "PMD_RUNTIME_DIR"); !made) return failed(made.error());
    if (auto safe = check_private(embedded.runtime_dir); !safe) return failed(kNoDaemon, safe.error().message);
    auto notify = NotifySocket::make(embedded.runtime_dir);
    if (!notify) return failed(notify.error());

    const std::string log = embedded.state_dir + "/pmd.log";
    const off_t log_start = size_of(log);
    const auto log_file = open_log(log);
    if (!log_file) return failed(log_file.error());
    const SpawnPlan plan(*log_file);
    std::vector<std::string> words{"pmd", "--bus", "embedded"};
    std::vector<std::string> environment = daemon_environment(*notify);
    pid_t pid = 0;
    const int error = posix_spawn(&pid, program.c_str(), &plan.files, &plan.attributes, pointers(words).data(),
                                  pointers(environment).data());
    if (error != 0) return failed(kNoDaemon, fmt::format("starting '{}': {}", program, std::strerror(error)));
    const base::Fd pidfd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
    switch (wait_until_ready(*notify, pidfd.get())) {
    case Wait::Ready: return true;
    case Wait::Ended: return judge_end(pidfd.get(), log, log_start);
    case Wait::TooLong: break;
    }
    return failed(kNoDaemon, fmt::format("pmd (pid {}) did not get ready within {} s; see '{}'", pid,
                                         kReadyTimeoutMsec / 1000, log));
}

} // namespace pm::cli
