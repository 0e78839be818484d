// SPDX-License-Identifier: Apache-2.0
// Answers and signals that nobody reads stay in the bus, which takes only so much from one sender before it reads nothing more of
// it (dbus-daemon(1), max_incoming_bytes): a caller that never reads could silence pmd. So pmd asks the bus how
// much there is (org.freedesktop.DBus.Debug.Stats, which a system bus tells root):
//
// - of the callers it has answered, after every few answers to one user; who leaves too much unread gets no
//   more answers until it is less;
// - of pmd itself, after every megabyte of signals. While much is unread, properties are told less often, and a user whose
//   own apps give cause to many signals gets no more answers until it is less; before it is what the bus takes at most, pmd connects
//   anew, as the old connection's bytes do not count for the new one.
//
// A bus that does not tell (dbus-broker, which bounds each user by itself) is not asked again.
#pragma once

#include "io/event_loop.hpp"
#include "sdbus_versions.hpp"

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <sys/types.h>

namespace pm::bus {

class Unread {
public:
    static constexpr unsigned kAnswersBetweenLooks = 8;
    /// Bytes.
    struct Bounds {
        std::size_t answers_of_user = 4u << 20;
        std::size_t signals_between_looks = 1u << 20; ///< as the sender estimates them
        std::size_t much = 8u << 20;                  ///< of all that pmd sent
        std::size_t signals_of_user = 4u << 20;       ///< about the apps of one user while much is unread
        std::size_t too_much = 32u << 20;             ///< a quarter of what a dbus-daemon takes by default
    };

    /// `on_read` is called when somebody may be answered again, `on_too_much` when nothing else helps than another connection. The
    /// connection must outlive this. Throws std::runtime_error.
    Unread(io::EventLoop& loop, sdbus::IConnection& connection, std::function<void()> on_read, std::function<void()> on_too_much, Bounds bounds);

    /// Whether this user may be answered now; if not, `on_read` comes later.
    [[nodiscard]] bool may_answer(uid_t uid);
    /// Whether this user is known to leave too much unread.
    [[nodiscard]] bool is_behind(uid_t uid) const;
    /// A call of `connection` is about to be answered.
    void answered(uid_t uid, const std::string& connection);
    /// Signals of about so many bytes were sent about an app of `owner`.
    void signalled(uid_t owner, std::size_t bytes);
    /// Much of what pmd sent is unread.
    [[nodiscard]] bool is_much() const noexcept { return of_pmd_ > bounds_.much; }

private:
    struct User {
        std::set<std::string> connections; ///< may have answers unread
        unsigned answers = 0;              ///< since the last look
        std::size_t open = 0;              ///< questions to the bus
        std::size_t bytes = 0;             ///< unread, of the connections that the bus has told of in this look
        bool behind = false;
    };
    using Stats = std::map<std::string, sdbus::Variant>;
    void ask(const std::string& connection, std::function<void(dbus::ReplyError, const Stats&)> then);
    void look(uid_t uid, User& user);
    void told(uid_t uid, const std::string& connection, dbus::ReplyError error, const Stats& stats);
    void looked(uid_t uid, User& user);
    void look_later();
    void look_at_those_behind();
    void look_at_pmd();
    void told_of_pmd(dbus::ReplyError error, const Stats& stats);
    [[nodiscard]] bool signals_much(uid_t uid) const;

    Bounds bounds_;
    std::unique_ptr<sdbus::IProxy> bus_;
    std::string own_name_;
    std::function<void()> on_read_, on_too_much_;
    bool bus_tells_ = true;
    std::map<uid_t, User> users_;
    std::size_t signalled_ = 0; ///< bytes since the last look at pmd
    std::map<uid_t, std::size_t> signalled_of_; ///< bytes about the apps of each user since much is unread
    bool asks_of_pmd_ = false;
    bool ask_again_ = false;
    std::size_t of_pmd_ = 0;
    io::Source timer_;
};

} // namespace pm::bus
