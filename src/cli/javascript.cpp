// SPDX-License-Identifier: Apache-2.0
#include "cli/javascript.hpp"

#include "base/fd.hpp"
#include "base/path.hpp"
#include "base/text.hpp"
#include "cli/evaluate_script.hpp"
#include "config/app_file.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <fcntl.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <poll.h>
#include <spawn.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace pm::cli {
namespace {

using Clock = std::chrono::steady_clock;
using Words = std::vector<std::string>;

constexpr std::chrono::milliseconds kMostTime{30'000};
constexpr int kUnsettled = 13; ///< node's exit code when a promise is waited for that nothing settles

/// Ctrl-C and what else ends pmctl, as a descriptor for as long as this lives: what it runs must end too.
class EndSignals {
public:
    EndSignals()
    {
        sigset_t wanted;
        sigemptyset(&wanted);
        for (int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) sigaddset(&wanted, signal);
        sigprocmask(SIG_BLOCK, &wanted, &before_);
        fd_ = base::Fd(signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK));
    }
    ~EndSignals() { sigprocmask(SIG_SETMASK, &before_, nullptr); }
    EndSignals(const EndSignals&) = delete;
    EndSignals& operator=(const EndSignals&) = delete;
    [[nodiscard]] int fd() const noexcept { return fd_.get(); }
    [[nodiscard]] const sigset_t& before() const noexcept { return before_; }
    [[nodiscard]] int take() const
    {
        signalfd_siginfo info{};
        return read(fd_.get(), &info, sizeof info) == sizeof info ? static_cast<int>(info.ssi_signo) : 0;
    }

private:
    sigset_t before_{};
    base::Fd fd_;
};

/// A program in a process group of its own: it and what it starts can be ended together.
class Child {
public:
    Child(const Words& command, const Words& environment, int result, const sigset_t& mask)
    {
        posix_spawn_file_actions_t files;
        posix_spawn_file_actions_init(&files);
        posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        posix_spawn_file_actions_adddup2(&files, STDERR_FILENO, STDOUT_FILENO);
        posix_spawn_file_actions_adddup2(&files, result, 3);
        posix_spawn_file_actions_addclosefrom_np(&files, 4);
        posix_spawnattr_t attributes;
        posix_spawnattr_init(&attributes);
        posix_spawnattr_setsigmask(&attributes, &mask);
        posix_spawnattr_setpgroup(&attributes, 0);
        posix_spawnattr_setflags(&attributes, static_cast<short>(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK));
        Words arguments = command;
        Words variables = environment;
        error_ = posix_spawn(&pid_, command.front().c_str(), &files, &attributes, pointers(arguments).data(), pointers(variables).data());
        posix_spawnattr_destroy(&attributes);
        posix_spawn_file_actions_destroy(&files);
        if (error_ == 0) fd_ = base::Fd(static_cast<int>(syscall(SYS_pidfd_open, pid_, 0)));
    }
    ~Child()
    {
        if (error_ != 0 || ended_) return;
        kill(-pid_, SIGKILL);
        wait();
    }
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
    [[nodiscard]] int error() const noexcept { return error_; }
    [[nodiscard]] int fd() const noexcept { return fd_.get(); }
    int wait()
    {
        int status = 0;
        while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {}
        ended_ = true;
        return status;
    }

private:
    static std::vector<char*> pointers(Words& words)
    {
        std::vector<char*> list;
        for (std::string& word : words) list.push_back(word.data());
        list.push_back(nullptr);
        return list;
    }

    pid_t pid_ = -1;
    int error_ = 0;
    bool ended_ = false;
    base::Fd fd_;
};

struct Ended {
    std::string text; ///< of descriptor 3
    int status = 0;   ///< of waitpid(2)
};

std::chrono::milliseconds most_time(const Context& context)
{
    const auto given = base::parse_number<std::uint32_t>(context.environment("PMCTL_EVALUATION_TIMEOUT").value_or(""));
    return given && *given > 0 ? std::chrono::milliseconds(std::chrono::seconds(*given)) : kMostTime;
}

/// Reads what has come; false at the end of the file.
bool read_some(int fd, std::string& text)
{
    std::array<char, 65536> buffer{};
    for (;;) {
        const ssize_t count = read(fd, buffer.data(), buffer.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return errno == EAGAIN;
        if (count == 0) return false;
        text.append(buffer.data(), static_cast<std::size_t>(count));
        if (count < static_cast<ssize_t>(buffer.size())) return true;
    }
}

Outcome<Ended> run(const Context& context, const std::string& file, const Words& command, const Words& environment, std::size_t most)
{
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) < 0) return failed(kFailed, base::fail_errno("making a pipe", errno).value().message);
    const base::Fd out(ends[0]);
    base::Fd in(ends[1]);
    fcntl(out.get(), F_SETFL, O_NONBLOCK);
    int signal = 0;
    {
        const EndSignals signals;
        Child child(command, environment, in.get(), signals.before());
        in.reset();
        if (child.error() != 0) return failed(kUsage, base::fail_errno(fmt::format("running '{}'", command.front()), child.error()).value().message);
        const auto time = most_time(context);
        const auto until = Clock::now() + time;
        Ended ended;
        bool open = true;
        while (signal == 0) {
            const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now());
            if (left.count() <= 0)
                return failed(kUsage, fmt::format("{}: still runs after {}, and was ended (PMCTL_EVALUATION_TIMEOUT gives it more seconds)", file,
                                                  base::format_duration(time)));
            std::array<pollfd, 3> fds{pollfd{child.fd(), POLLIN, 0}, pollfd{signals.fd(), POLLIN, 0}, pollfd{open ? out.get() : -1, POLLIN, 0}};
            poll(fds.data(), fds.size(), static_cast<int>(left.count()));
            if (open) open = read_some(out.get(), ended.text);
            if (ended.text.size() > most + 64)
                return failed(kUsage, fmt::format("{}: exports more than {}", file, base::format_bytes(most)));
            if ((fds[1].revents & POLLIN) != 0) signal = signals.take();
            if (signal != 0 || (fds[0].revents & POLLIN) == 0) continue;
            while (open && ended.text.size() <= most + 64) { // what it wrote before it ended
                const std::size_t before = ended.text.size();
                open = read_some(out.get(), ended.text);
                if (ended.text.size() == before) break;
            }
            ended.status = child.wait();
            return ended;
        }
    }
    if (signal != SIGINT) raise(signal);
    return failed(kInterrupted, "");
}

/// The path of an executable file in the caller's PATH; empty: there is none.
std::string find_program(const Context& context, std::string_view name)
{
    for (const std::string& directory : base::split(context.environment("PATH").value_or("/usr/local/bin:/usr/bin:/bin"), ':')) {
        std::string path = base::absolute_path(context.cwd, directory.empty() ? "." : directory) + "/" + std::string(name);
        struct stat status{};
        if (stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) && access(path.c_str(), X_OK) == 0) return path;
    }
    return {};
}

bool is_typescript(std::string_view file) { return file.ends_with("ts"); }

struct Fault {
    std::string name, message, code, place, runtime;
    bool strips = false; ///< this node strips types when it is told to
    /// The runtime does not take files of this kind at all; another one may.
    [[nodiscard]] bool unknown_kind() const { return code == "ERR_UNKNOWN_FILE_EXTENSION"; }
};

std::string sentence(const std::string& file, const Fault& fault)
{
    std::string text = file + (fault.place.empty() ? "" : ":" + fault.place) + ": " + (fault.name.empty() ? "" : fault.name + ": ") + fault.message;
    if (fault.code == "MODULE_NOT_FOUND" || fault.code == "ERR_MODULE_NOT_FOUND")
        text += fault.message.find("'.") != std::string::npos || fault.message.find("'/") != std::string::npos
                    ? "; it is looked for from the file that names it"
                    : "; is it installed where the file is ('npm install')?";
    else if (fault.name == "SyntaxError" || fault.code == "ERR_REQUIRE_ESM")
        text += fmt::format(" (run by {}: newer syntax needs a newer one; CommonJS files are named .cjs, ES modules .mjs)", fault.runtime);
    else if (fault.message.find("not defined in ES module scope") != std::string::npos)
        text += "; a CommonJS file is named .config.cjs there";
    else if (!fault.name.empty())
        text += fmt::format(" (run by {})", fault.runtime);
    return text;
}

std::string sentence(const std::string& file, const Ended& ended)
{
    if (WIFSIGNALED(ended.status)) return fmt::format("{}: the program that runs it was killed by signal {}", file, WTERMSIG(ended.status));
    const int code = WEXITSTATUS(ended.status);
    if (code == kUnsettled || code == 0) return fmt::format("{}: exports nothing: it ended while it waits for a promise that nothing settles, or called process.exit()", file);
    return fmt::format("{}: exports nothing: the program that runs it ended with exit code {}", file, code);
}

/// The JSON, or why there is none.
Outcome<tl::expected<std::string, Fault>> ask(const Context& context, const std::string& file, const Words& command, const Words& environment,
                                              std::size_t most)
{
    auto ended = run(context, file, command, environment, most);
    if (!ended) return failed(ended.error());
    constexpr std::string_view kOk = "ok\n";
    constexpr std::string_view kFault = "fault\n";
    if (ended->text.starts_with(kOk) && ended->text.ends_with("\n")) return ended->text.substr(kOk.size());
    if (!ended->text.starts_with(kFault)) return failed(kUsage, sentence(file, *ended));
    const auto map = nlohmann::json::parse(ended->text.substr(kFault.size()), nullptr, false);
    if (!map.is_object()) return failed(kUsage, sentence(file, *ended));
    const auto text = [&map](const char* key) { return map.contains(key) && map[key].is_string() ? map[key].get<std::string>() : std::string(); };
    return tl::unexpected(Fault{text("name"), text("message"), text("code"), text("place"), text("runtime"),
                                map.contains("strips") && map["strips"] == true});
}

Words environment_for(const Context& context, const std::string& file)
{
    Words environment;
    for (char** entry = environ; *entry != nullptr; ++entry) environment.emplace_back(*entry);
    const nlohmann::json about{{"file", base::absolute_path(context.cwd, file)}, {"words", context.words}};
    environment.push_back("PMCTL_EVALUATE=" + about.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
    return environment;
}

} // namespace

Outcome<std::string> evaluate_javascript(const Context& context, const std::string& file, std::size_t most)
{
    const Words environment = environment_for(context, file);
    const std::string script(kEvaluateScript);
    const std::string node = find_program(context, "node");
    const std::string bun = find_program(context, "bun");
    const std::string deno = find_program(context, "deno");
    std::vector<Words> commands;
    if (!node.empty()) commands.push_back({node, "-e", script});
    if (!bun.empty()) commands.push_back({bun, "--no-install", "-e", script}); // nothing is downloaded;
    if (!deno.empty()) commands.push_back({deno, "eval", script});
    if (commands.empty())
        return failed(kUsage, fmt::format("{}: JavaScript is run by node, bun or deno, and none is in PATH: install one (Debian: 'apt install nodejs')", file));
    std::string last;
    for (std::size_t at = 0; at < commands.size(); ++at) {
        auto answer = ask(context, file, commands[at], environment, most);
        if (!answer) return failed(answer.error());
        if (*answer) return std::move(**answer);
        const Fault& fault = answer->error();
        if (!is_typescript(file) || !fault.unknown_kind()) return failed(kUsage, sentence(file, fault));
        if (fault.strips && commands[at].size() == 3)
            commands.insert(commands.begin() + static_cast<std::ptrdiff_t>(at) + 1, {node, "--experimental-strip-types", "-e", script});
        last = fault.runtime;
    }
    return failed(kUsage, fmt::format("{}: TypeScript is run by node from 22.18 on, bun or deno; {} does not, and no other is in PATH", file, last));
}

} // namespace pm::cli
