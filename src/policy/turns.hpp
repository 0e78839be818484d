// SPDX-License-Identifier: Apache-2.0
// Whose turn it is among those who wait: masters first, then the users in a round, one item each; of one user, the
// connections in a round; of one connection, in the order in which they came. So nobody waits for more than one item of
// each other user, however many others have and over however many connections (round-robin fair queuing, Nagle 1987, RFC 970).
#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <sys/types.h>
#include <utility>

namespace pm::policy {

template <typename Item>
class Turns {
public:
    struct Waiting {
        std::size_t items = 0;
        std::size_t bytes = 0;
    };
    struct Turn {
        uid_t uid = 0;
        std::string connection;
        Item item;
    };

    /// `master` must be the same for all items of a user. `bytes` is what the item comes to in memory.
    void add(uid_t uid, bool master, const std::string& connection, Item item, std::size_t bytes)
    {
        User& user = users_[uid];
        if (user.waiting.items == 0) (master ? masters_round_ : round_).push_back(uid);
        std::deque<Entry>& line = user.lines[connection];
        if (line.empty()) user.round.push_back(connection);
        line.push_back({std::move(item), bytes});
        ++user.waiting.items;
        user.waiting.bytes += bytes;
    }

    [[nodiscard]] Waiting of(uid_t uid) const
    {
        const auto user = users_.find(uid);
        return user == users_.end() ? Waiting{} : user->second.waiting;
    }
    [[nodiscard]] bool empty() const noexcept { return users_.empty(); }

    /// Takes the item whose turn it is, passing over users of whom `may` says no; nothing when nobody is left.
    template <typename May>
    [[nodiscard]] std::optional<Turn> next(May&& may)
    {
        for (std::deque<uid_t>* round : {&masters_round_, &round_}) {
            const auto uid = std::ranges::find_if(*round, may);
            if (uid != round->end()) return take(*round, uid);
        }
        return std::nullopt;
    }

private:
    struct Entry {
        Item item;
        std::size_t bytes;
    };
    struct User {
        Waiting waiting;
        std::map<std::string, std::deque<Entry>> lines; ///< of each connection, none empty
        std::deque<std::string> round;                  ///< the connections, the next one first
    };

    Turn take(std::deque<uid_t>& round, std::deque<uid_t>::iterator place)
    {
        const uid_t uid = *place;
        round.erase(place);
        const auto user = users_.find(uid);
        User& of = user->second;
        const auto line = of.lines.find(of.round.front());
        of.round.pop_front();
        Entry entry = std::move(line->second.front());
        line->second.pop_front();
        Turn turn{uid, line->first, std::move(entry.item)};
        --of.waiting.items;
        of.waiting.bytes -= entry.bytes;
        if (line->second.empty())
            of.lines.erase(line);
        else
            of.round.push_back(line->first);
        if (of.waiting.items == 0)
            users_.erase(user);
        else
            round.push_back(uid);
        return turn;
    }

    std::map<uid_t, User> users_; ///< who has something waiting
    std::deque<uid_t> masters_round_, round_;
};

} // namespace pm::policy
