// SPDX-License-Identifier: Apache-2.0
#include "cli/log_view.hpp"

#include "base/text.hpp"
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

/// What those of `feeds` give that have something; those that ended go into `ended`. `fds`: of each, behind that of Ctrl-C.
Outcome<std::string> take_all(const std::vector<LogFeed*>& feeds, const std::vector<pollfd>& fds, int ready, std::vector<LogFeed*>& ended)
{
    std::string text;
    for (std::size_t i = 0; i < feeds.size(); ++i) {
        const int due = feeds[i]->timeout(); // 0: at once, whatever others have
        if (fds[i + 1].revents == 0 && due != 0 && (due < 0 || ready > 0)) continue;
        const auto more = feeds[i]->take(text);
        if (!more) return failed(more.error());
        if (!*more) ended.push_back(feeds[i]);
    }
    return text;
}

} // namespace

Outcome<ViewEnd> view_logs(std::vector<LogFeed*> streams, std::vector<LogFeed*> others, const Interrupt& interrupt)
{
    const auto has_more = [](const LogFeed* feed) { return feed->timeout() == 0; };
    while (!streams.empty() || std::ranges::any_of(others, has_more)) {
        std::vector<LogFeed*> feeds = streams;
        feeds.insert(feeds.end(), others.begin(), others.end());
        std::vector<pollfd> fds{{interrupt.fd(), POLLIN, 0}};
        int patience = -1;
        for (const LogFeed* feed : feeds) {
            fds.push_back({feed->fd(), feed->events(), 0});
            patience = sooner(patience, feed->timeout());
        }
        const int ready = poll(fds.data(), fds.size(), patience);
        if (ready < 0 && errno != EINTR) break;
        if ((fds[0].revents & POLLIN) != 0) return ViewEnd::Interrupted;
        std::vector<LogFeed*> ended;
        const auto text = take_all(feeds, fds, ready, ended);
        if (!text) return failed(text.error());
        if (print(*text) != kDone) return ViewEnd::OutputLost;
        for (LogFeed* feed : ended) {
            std::erase(streams, feed);
            std::erase(others, feed);
        }
    }
    return ViewEnd::StreamsEnded;
}

bool may_come(const std::string& target, const Failure& failure)
{
    return failure.code == base::ErrorCode::NoSuchApp && !base::parse_number<std::uint32_t>(target);
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
