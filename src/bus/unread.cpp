// SPDX-License-Identifier: Apache-2.0
#include "bus/unread.hpp"

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <utility>

namespace pm::bus {
namespace {

constexpr const char* kBus = "org.freedesktop.DBus";
constexpr const char* kStats = "org.freedesktop.DBus.Debug.Stats";
constexpr std::chrono::seconds kPatience{10};
/// A bus does not tell when somebody reads, so who is behind is asked about again after this.
constexpr std::chrono::milliseconds kBetweenLooks{200};

std::size_t number(const std::map<std::string, sdbus::Variant>& stats, const char* key)
{
    const auto entry = stats.find(key);
    return entry != stats.end() && entry->second.containsValueOfType<std::uint32_t>() ? entry->second.get<std::uint32_t>() : 0;
}

} // namespace

Unread::Unread(io::EventLoop& loop, sdbus::IConnection& connection, std::function<void()> on_read, std::function<void()> on_too_much, Bounds bounds)
    : bounds_(bounds), bus_(dbus::make_proxy(connection, kBus, "/org/freedesktop/DBus")), own_name_(connection.getUniqueName()), on_read_(std::move(on_read)),
      on_too_much_(std::move(on_too_much))
{
    auto timer = loop.add_timer(model::TimePoint::max(), io::Priority::Normal, [this] { look_at_those_behind(); });
    if (!timer) throw std::runtime_error(timer.error().message);
    timer_ = std::move(*timer);
    timer_.set_enabled(false);
}

bool Unread::may_answer(uid_t uid)
{
    if (!bus_tells_) return true;
    if (signals_much(uid)) {
        look_later();
        return false;
    }
    const auto found = users_.find(uid);
    if (found == users_.end()) return true;
    User& user = found->second;
    if (user.behind || user.open > 0) return false;
    if (user.answers < kAnswersBetweenLooks) return true;
    look(uid, user);
    return false;
}

bool Unread::is_behind(uid_t uid) const
{
    const auto user = users_.find(uid);
    return bus_tells_ && user != users_.end() && user->second.behind;
}

void Unread::answered(uid_t uid, const std::string& connection)
{
    if (!bus_tells_) return;
    User& user = users_[uid];
    user.connections.insert(connection);
    ++user.answers;
}

void Unread::ask(const std::string& connection, std::function<void(dbus::ReplyError, const Stats&)> then)
{
    bus_->callMethodAsync("GetConnectionStats")
        .onInterface(kStats)
        .withTimeout(kPatience)
        .withArguments(connection)
        .uponReplyInvoke(std::move(then));
}

void Unread::look(uid_t uid, User& user)
{
    user.bytes = 0;
    user.open = user.connections.size();
    for (const std::string& connection : user.connections)
        ask(connection, [this, uid, connection](dbus::ReplyError error, const Stats& stats) { told(uid, connection, error, stats); });
}

void Unread::told(uid_t uid, const std::string& connection, dbus::ReplyError error, const Stats& stats)
{
    const auto found = users_.find(uid);
    if (found == users_.end()) return; // the bus turned out to tell nothing
    User& user = found->second;
    const bool is_gone = error && error->getName() == "org.freedesktop.DBus.Error.NameHasNoOwner";
    if (error && !is_gone && error->getName() != "org.freedesktop.DBus.Error.NoReply" && error->getName() != "org.freedesktop.DBus.Error.Timeout") {
        bus_tells_ = false;
        users_.clear();
        return on_read_();
    }
    const std::size_t bytes = error ? 0 : number(stats, "OutgoingBytes");
    if (is_gone || (!error && bytes == 0)) user.connections.erase(connection);
    user.bytes += bytes;
    if (--user.open == 0) looked(uid, user);
}

void Unread::looked(uid_t uid, User& user)
{
    user.answers = 0;
    user.behind = user.bytes > bounds_.answers_of_user;
    if (user.behind) return look_later();
    if (user.connections.empty()) users_.erase(uid);
    on_read_();
}

void Unread::look_later() { timer_.set_time(std::chrono::steady_clock::now() + kBetweenLooks); }

void Unread::look_at_those_behind()
{
    timer_.set_enabled(false);
    if (is_much()) look_at_pmd();
    for (auto& [uid, user] : users_)
        if (user.behind && user.open == 0) look(uid, user);
}

bool Unread::signals_much(uid_t uid) const
{
    if (!is_much()) return false;
    const auto bytes = signalled_of_.find(uid);
    return bytes != signalled_of_.end() && bytes->second > bounds_.signals_of_user;
}

void Unread::signalled(uid_t owner, std::size_t bytes)
{
    if (!bus_tells_) return;
    signalled_ += bytes;
    if (is_much()) signalled_of_[owner] += bytes;
    if (signalled_ < bounds_.signals_between_looks) return;
    signalled_ = 0;
    look_at_pmd();
}

void Unread::look_at_pmd()
{
    if (std::exchange(asks_of_pmd_, true)) {
        ask_again_ = true; // the answer that is on its way may be older than what was sent since
        return;
    }
    ask(own_name_, [this](dbus::ReplyError error, const Stats& stats) { told_of_pmd(error, stats); });
}

void Unread::told_of_pmd(dbus::ReplyError error, const Stats& stats)
{
    asks_of_pmd_ = false;
    if (std::exchange(ask_again_, false)) look_at_pmd();
    if (error) return;
    of_pmd_ = number(stats, "IncomingBytes");
    if (of_pmd_ > bounds_.too_much) return on_too_much_();
    const bool some_wait = std::ranges::any_of(signalled_of_, [this](const auto& entry) { return entry.second > bounds_.signals_of_user; });
    if (is_much()) {
        if (some_wait) look_later();
        return;
    }
    signalled_of_.clear();
    if (some_wait) on_read_();
}

} // namespace pm::bus
