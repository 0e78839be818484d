// SPDX-License-Identifier: Apache-2.0
#include "upkeep/watching.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <cstring>
#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

namespace pm::upkeep {
namespace {

constexpr std::size_t kMostBytes = 64 * 1024; ///< of one report

} // namespace

struct Watching::Helper {
    watch::Settings settings;
    base::Fd socket; ///< invalid: it does not run
    base::Fd pidfd;
    io::Source readable;
    io::Source timer; ///< to start it again
    std::string unsent;
    std::string heard;
    std::string trouble; ///< told last
    std::chrono::seconds pause{kFirstPause};
    std::optional<std::uint64_t> directories;
};

Watching::Watching(io::EventLoop& loop, Start start, SettingsOf settings_of, Changed changed, std::function<void(const std::string&)> warn)
    : loop_(loop), start_(std::move(start)), settings_of_(std::move(settings_of)), changed_(std::move(changed)), warn_(std::move(warn))
{
}

Watching::~Watching()
{
    for (auto& [app, helper] : helpers_) kill(*helper);
}

void Watching::begin(const std::string& app)
{
    auto settings = settings_of_(app);
    if (!settings) return end(app);
    auto& helper = helpers_[app];
    if (helper != nullptr && helper->settings == *settings) return;
    if (helper != nullptr) kill(*helper);
    helper = std::make_unique<Helper>();
    helper->settings = *std::move(settings);
    start(app, *helper);
}

void Watching::end(const std::string& app)
{
    const auto helper = helpers_.find(app);
    if (helper == helpers_.end()) return;
    kill(*helper->second);
    helpers_.erase(helper);
}

std::optional<std::uint64_t> Watching::directories(const std::string& app) const
{
    const auto helper = helpers_.find(app);
    return helper == helpers_.end() ? std::nullopt : helper->second->directories;
}

void Watching::start(const std::string& app, Helper& helper)
{
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0) return again(app, helper, std::strerror(errno));
    helper.socket = base::Fd(ends[0]);
    base::Fd theirs(ends[1]);
    ::fcntl(theirs.get(), F_SETFL, 0); // it waits
    auto source = loop_.add_io(helper.socket.get(), EPOLLIN | EPOLLOUT, io::Priority::Deferred, [this, app](std::uint32_t) { hear(app); });
    if (!source) return again(app, helper, source.error().message);
    helper.readable = *std::move(source);
    helper.unsent = watch::to_line(helper.settings);
    auto pidfd = start_(theirs.get());
    if (!pidfd) return again(app, helper, pidfd.error().message);
    helper.pidfd = *std::move(pidfd);
}

void Watching::hear(const std::string& app)
{
    const auto found = helpers_.find(app);
    if (found == helpers_.end() || !found->second->socket) return;
    Helper& helper = *found->second;
    if (!helper.unsent.empty()) {
        const ssize_t size = ::send(helper.socket.get(), helper.unsent.data(), helper.unsent.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (size > 0) helper.unsent.erase(0, static_cast<std::size_t>(size));
        if (helper.unsent.empty()) helper.readable.set_io_events(EPOLLIN);
    }
    char buffer[4096];
    const ssize_t size = ::recv(helper.socket.get(), buffer, sizeof buffer, MSG_DONTWAIT);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (size <= 0 || helper.heard.size() > kMostBytes) return again(app, helper, "the process that watches them has ended");
    helper.heard.append(buffer, static_cast<std::size_t>(size));
    for (std::size_t end = helper.heard.find('\n'); end != std::string::npos; end = helper.heard.find('\n')) {
        const std::string line = helper.heard.substr(0, end);
        helper.heard.erase(0, end + 1);
        take(app, helper, line);
        if (const auto still = helpers_.find(app); still == helpers_.end() || still->second.get() != &helper) return;
    }
}

void Watching::take(const std::string& app, Helper& helper, const std::string& line)
{
    const auto report = watch::report_from(line);
    if (!report) return again(app, helper, report.error().message);
    switch (report->kind) {
    case watch::Report::Kind::Watching:
        helper.directories = report->number;
        helper.pause = kFirstPause;
        return;
    case watch::Report::Kind::Changed: return changed_(app, report->text, report->number);
    case watch::Report::Kind::Trouble:
        if (std::exchange(helper.trouble, report->text) != report->text) warn_(fmt::format("watch of '{}': {}", app, base::printable(report->text)));
        return;
    }
}

void Watching::again(const std::string& app, Helper& helper, const std::string& why)
{
    kill(helper);
    if (helper.trouble.empty() && helper.pause > kFirstPause) { // once may happen
        helper.trouble = why;
        warn_(fmt::format("the files of '{}' are not watched for a while: {}", app, why));
    }
    auto timer = loop_.add_timer(std::chrono::steady_clock::now() + helper.pause, io::Priority::Deferred, [this, app] {
        const auto found = helpers_.find(app);
        if (found == helpers_.end()) return;
        auto settings = settings_of_(app); // the user may be known by now
        if (!settings) return end(app);
        found->second->settings = *std::move(settings);
        start(app, *found->second);
    });
    helper.pause = std::min<std::chrono::seconds>(helper.pause * 2, kLongestPause);
    if (timer) helper.timer = *std::move(timer);
}

void Watching::kill(Helper& helper)
{
    helper.readable.reset();
    helper.timer.reset();
    helper.socket.reset();
    helper.heard.clear();
    helper.unsent.clear();
    helper.directories.reset();
    if (!helper.pidfd) return;
    ::syscall(SYS_pidfd_send_signal, helper.pidfd.get(), SIGKILL, nullptr, 0);
    const auto entry = ending_.emplace(ending_.end(), Ending{std::move(helper.pidfd), {}});
    auto source = loop_.add_io(entry->pidfd.get(), EPOLLIN, io::Priority::Deferred, [this, entry](std::uint32_t) {
        siginfo_t info{};
        ::waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(entry->pidfd.get()), &info, WEXITED | WNOHANG); // or the launcher was first
        ending_.erase(entry);
    });
    if (source) entry->source = *std::move(source);
}

} // namespace pm::upkeep
