// SPDX-License-Identifier: Apache-2.0
// pm-watch watches the files of one app. pmd runs it with one end of a socket as its standard input, which tells it what to
// watch and takes its reports; it ends when the other end is closed.
//
// It is a process of its own because a file system can make whoever looks at it wait for ever (NFS, FUSE), and because what
// it finds, and how much the kernel keeps for it, is to be the app's user's, whose rights it takes on.
#include "watch/as_user.hpp"
#include "watch/poller.hpp"
#include "watch/tree.hpp"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

namespace pm::watch {
namespace {

constexpr int kPmd = STDIN_FILENO;
constexpr int kLeastPauseMsec = 10; ///< between two reports of changes; far less than a bunch of them is waited for
constexpr std::size_t kMostBytes = 4u << 20; ///< of what is to be watched

[[noreturn]] void leave() { std::_Exit(EXIT_SUCCESS); } // pmd has gone, or wants no more

void send(const std::string& line)
{
    for (std::size_t sent = 0; sent < line.size();) {
        const ssize_t size = ::write(kPmd, line.data() + sent, line.size() - sent);
        if (size > 0) sent += static_cast<std::size_t>(size);
        else if (errno != EINTR) leave();
    }
}

void send(const Report& report) { send(to_line(report)); }

/// Tells of the first of many changes, once everything that has happened is read.
class Changes {
public:
    void note(const std::string& path)
    {
        if (count_++ == 0) first_ = path;
    }
    /// False: there were none.
    bool send_all()
    {
        if (count_ == 0) return false;
        send({Report::Kind::Changed, first_, count_ - 1});
        count_ = 0;
        return true;
    }

private:
    std::string first_;
    std::uint64_t count_ = 0;
};

[[noreturn]] void run()
{
    const std::string orders = read_orders(kMostBytes);
    if (orders.empty()) leave();
    const auto settings = settings_from(orders);
    if (!settings) {
        send({Report::Kind::Trouble, settings.error().message, 0});
        leave();
    }
    if (const std::string why = take_rights(settings->user); !why.empty()) {
        send({Report::Kind::Trouble, "files are not watched: " + why, 0});
        leave();
    }
    const auto filter = Filter::make(*settings);
    if (!filter) {
        send({Report::Kind::Trouble, "files are not watched: " + filter.error().message, 0});
        leave();
    }
    Changes changes;
    const auto changed = [&changes](const std::string& path) { changes.note(path); };
    const auto trouble = [](const std::string& text) { send({Report::Kind::Trouble, text, 0}); };
    std::optional<Tree> tree;
    std::optional<Poller> poller;
    if (settings->poll.count() > 0) {
        poller.emplace(*filter, *settings, changed, trouble);
        poller->look();
    } else {
        tree.emplace(*filter, *settings, changed, trouble);
        tree->build();
    }
    std::size_t told = static_cast<std::size_t>(-1);
    for (;;) {
        const std::size_t directories = tree ? tree->directories() : poller->directories();
        if (std::exchange(told, directories) != directories) send({Report::Kind::Watching, "", directories});
        pollfd ready[] = {{kPmd, POLLIN, 0}, {tree ? tree->fd() : -1, POLLIN, 0}};
        const int count = ::poll(ready, 2, poller ? static_cast<int>(settings->poll.count()) : -1);
        if (ready[0].revents != 0) leave();
        if (count < 0 && errno != EINTR) leave();
        if (poller && count == 0) poller->look();
        if (tree && ready[1].revents != 0) tree->read();
        if (!changes.send_all()) continue;
        pollfd pmd{kPmd, POLLIN, 0};
        if (::poll(&pmd, 1, kLeastPauseMsec) > 0) leave(); // what happens meanwhile is told together
    }
}

} // namespace
} // namespace pm::watch

int main()
{
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::signal(SIGPIPE, SIG_IGN);
    ::prctl(PR_SET_NAME, "pm-watch");
    ::setpriority(PRIO_PROCESS, 0, 10); // a change may wait until who serves has been served
    pm::watch::run();
}
