// SPDX-License-Identifier: Apache-2.0
#include "cli/log_view.hpp"

#include "cli/context.hpp"

#include <algorithm>
#include <cerrno>
#include <poll.h>

namespace pm::cli {
namespace {

/// -1 is for ever.
int sooner(int left, int right) noexcept
{
    if (left < 0 || right < 0) return std::max(left, right);
    return std::min(left, right);
}

/// What those of `feeds` give that have something; one that ended leaves. `fds`: of each, behind that of Ctrl-C.
Outcome<std::string> take_all(std::vector<LogFeed*>& feeds, const std::vector<pollfd>& fds, int ready)
{
    std::string text;
    for (std::size_t i = feeds.size(); i-- > 0;) { // from behind: erasing moves only what is done
        const int due = feeds[i]->timeout();       // 0: at once, whatever others have
        if (fds[i + 1].revents == 0 && due != 0 && (due < 0 || ready > 0)) continue;
        const auto more = feeds[i]->take(text);
        if (!more) return failed(more.error());
        if (!*more) feeds.erase(feeds.begin() + static_cast<std::ptrdiff_t>(i));
    }
    return text;
}

} // namespace

Outcome<ViewEnd> view_logs(std::vector<LogFeed*> streams, LogFeed* journal, const Interrupt& interrupt)
{
    std::vector<LogFeed*> feeds = std::move(streams);
    if (journal != nullptr) feeds.push_back(journal);
    const auto only_journal = [&] { return feeds.size() == 1 && feeds.front() == journal && journal->timeout() != 0; };
    while (!feeds.empty() && !only_journal()) {
        std::vector<pollfd> fds{{interrupt.fd(), POLLIN, 0}};
        int patience = -1;
        for (const LogFeed* feed : feeds) {
            fds.push_back({feed->fd(), feed->events(), 0});
            patience = sooner(patience, feed->timeout());
        }
        const int ready = poll(fds.data(), fds.size(), patience);
        if (ready < 0 && errno != EINTR) break;
        if ((fds[0].revents & POLLIN) != 0) return ViewEnd::Interrupted;
        const auto text = take_all(feeds, fds, ready);
        if (!text) return failed(text.error());
        if (print(*text) != kDone) return ViewEnd::OutputLost;
    }
    return ViewEnd::StreamsEnded;
}

int status_of(ViewEnd end)
{
    switch (end) {
    case ViewEnd::StreamsEnded: return report({kNoDaemon, "pmd has ended"});
    case ViewEnd::Interrupted: return kDone;
    case ViewEnd::OutputLost: return kFailed;
    }
    return kFailed;
}

} // namespace pm::cli
