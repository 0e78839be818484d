// SPDX-License-Identifier: Apache-2.0
#include "bus/call_line.hpp"

#include "base/guard.hpp"
#include "bus/call_size.hpp"
#include "bus/guarded.hpp"
#include "policy/access.hpp"

#include <chrono>
#include <fmt/format.h>
#include <stdexcept>
#include <unistd.h>
#include <utility>

namespace pm::bus {
namespace {

/// How long calls are served in one turn of the loop; what else waits comes then.
constexpr std::chrono::milliseconds kMostPerTurn{5};
/// What a call carries beside the text of an app file.
constexpr std::size_t kBesideText = 64u << 10;
/// Of root, and of the user pmd runs as: a bound against mistakes.
constexpr std::size_t kMostOfMaster = 16'384;
constexpr std::size_t kMostBytesOfMaster = 64u << 20;
/// The texts of ordinary users that wait, in texts of the most bytes that one may have.
constexpr std::size_t kMostTextsOfUser = 8;
/// Of a connection of which it is not known yet whose it is, beside its first call; and of all of these together.
constexpr std::size_t kMostUnknownCalls = 64;
constexpr std::size_t kMostUnknownBytes = 64u << 20;

/// Apps of which all properties are told to ordinary users in one answer, which is made in one go and takes a hundred times as long as a row of ListApps.
constexpr std::uint32_t kMostObjects = 200;

/// Calls taken between two turns that tell that more are coming in than can be served.
constexpr unsigned kManyTaken = 64;

constexpr const char* kTooMany = "as many calls of this user wait as one user may have (max_calls_per_user in pmd.yaml); let some end first";
constexpr const char* kTooLong = "the call carries more than the longest app file may have (max_file_bytes and max_file_bytes_per_user in pmd.yaml), or what cannot be read";
constexpr const char* kTooManyObjects = "only root gets the properties of more than 200 apps in one answer; ListApps tells of all apps, and GetAll of one";

std::string said(const char* text) { return text == nullptr ? std::string() : std::string(text); }

} // namespace

CallLine::CallLine(io::EventLoop& loop, sdbus::IConnection& connection, Context& context, Callers* callers, Unread* unread)
    : context_(context), callers_(callers), unread_(unread), bus_(dbus::bus_of(*dbus::make_proxy(connection, "org.freedesktop.DBus", "/org/freedesktop/DBus")))
{
    auto deferred = loop.add_deferred(io::Priority::Normal, [this] { serve(); });
    if (!deferred) throw std::runtime_error(deferred.error().message);
    deferred_ = std::move(*deferred);
    if (const int r = sd_bus_add_filter(bus_, &filter_, on_message, this); r < 0)
        throw std::runtime_error(fmt::format("watching the calls of a bus: errno {}", -r));
}

CallLine::~CallLine() { sd_bus_slot_unref(filter_); }

int CallLine::on_message(sd_bus_message* message, void* self, sd_bus_error*) noexcept
{
    auto& line = *static_cast<CallLine*>(self);
    if (sd_bus_message_is_method_call(message, nullptr, nullptr) <= 0) return 0;
    if (message == line.given_back_) {
        line.given_back_ = nullptr;
        return 0;
    }
    base::guard([&] { line.take(message); },
                [&](const std::string& what) { sd_bus_reply_method_errorf(message, SD_BUS_ERROR_NO_MEMORY, "%s", what.c_str()); });
    return 1;
}

std::optional<Caller> CallLine::caller_of(const std::string& sender) const
{
    if (callers_ == nullptr) return Caller{getuid(), true};
    const Credentials* who = callers_->known(sender);
    if (who == nullptr || unknown_.contains(sender)) return std::nullopt;
    return Caller{who->uid, policy::is_master(who->uid, getuid())};
}

bool CallLine::is_full(const Caller& caller) const
{
    const std::size_t waiting = turns_.of(caller.uid).items;
    return caller.master ? waiting >= kMostOfMaster : waiting + context_.quota.of_user(caller.uid) >= context_.settings.max_calls_per_user;
}

void CallLine::take(sd_bus_message* message)
{
    ++taken_;
    const std::string sender = said(sd_bus_message_get_sender(message));
    const auto caller = caller_of(sender);
    if (caller && is_full(*caller)) return refuse(sender, *caller, message, base::ErrorCode::Busy, kTooMany); // before anything that takes time
    const std::size_t most = context_.settings.max_file_bytes + kBesideText;
    const auto bytes = size_of_arguments(message, most);
    if (!bytes) return refuse(message, {base::ErrorCode::LimitExceeded, kTooLong});
    Held held{Message(sd_bus_message_ref(message)), *bytes};
    caller ? put_in_line(sender, *caller, std::move(held)) : hold(sender, std::move(held));
}

void CallLine::hold(const std::string& sender, Held held)
{
    const auto present = unknown_.find(sender);
    const bool has_many = present != unknown_.end() && (present->second.calls.size() >= kMostUnknownCalls || present->second.bytes > kBesideText);
    if (has_many || unknown_bytes_ + held.bytes > kMostUnknownBytes)
        return refuse(held.call.get(), {base::ErrorCode::Busy, "pmd is still asking the bus who calls; call again"});
    Unknown& unknown = unknown_[sender];
    unknown.bytes += held.bytes;
    unknown_bytes_ += held.bytes;
    unknown.calls.push_back(std::move(held));
    if (unknown.calls.size() == 1) callers_->find(sender, [this, sender](const base::Result<Credentials>& who) { known(sender, who); });
}

void CallLine::known(const std::string& sender, const base::Result<Credentials>& who)
{
    auto unknown = unknown_.extract(sender);
    if (unknown.empty()) return;
    unknown_bytes_ -= unknown.mapped().bytes;
    for (Held& held : unknown.mapped().calls)
        if (who)
            put_in_line(sender, {who->uid, policy::is_master(who->uid, getuid())}, std::move(held));
        else
            refuse(held.call.get(), who.error());
}

void CallLine::put_in_line(const std::string& sender, const Caller& caller, Held held)
{
    const config::Settings& settings = context_.settings;
    const std::size_t text = caller.master ? settings.max_file_bytes : std::min(settings.max_file_bytes, settings.max_file_bytes_per_user);
    const std::size_t most_bytes = caller.master ? kMostBytesOfMaster : kMostTextsOfUser * (text + kBesideText);
    if (held.bytes > text + kBesideText) return refuse(sender, caller, held.call.get(), base::ErrorCode::LimitExceeded, kTooLong);
    if (!caller.master && context_.supervisor.app_count() > kMostObjects && sd_bus_message_is_method_call(held.call.get(), "org.freedesktop.DBus.ObjectManager", "GetManagedObjects") > 0)
        return refuse(sender, caller, held.call.get(), base::ErrorCode::LimitExceeded, kTooManyObjects);
    if (is_full(caller) || turns_.of(caller.uid).bytes + held.bytes > most_bytes)
        return refuse(sender, caller, held.call.get(), base::ErrorCode::Busy, kTooMany);
    turns_.add(caller.uid, caller.master, sender, std::move(held.call), held.bytes);
    look_again();
}

void CallLine::refuse(const std::string& sender, const Caller& caller, sd_bus_message* message, base::ErrorCode code, const char* why)
{
    if (sd_bus_message_get_expect_reply(message) <= 0) return;
    if (unread_ != nullptr && !caller.master) {
        if (unread_->is_behind(caller.uid)) return; // who reads nothing is told nothing
        unread_->answered(caller.uid, sender);
    }
    refuse(message, {code, why});
}

void CallLine::refuse(sd_bus_message* message, const base::Error& error)
{
    const sdbus::Error told = to_dbus(error);
    sd_bus_reply_method_errorf(message, told.getName().c_str(), "%s", told.getMessage().c_str());
}

void CallLine::serve()
{
    // What comes in must be taken as fast as it comes, or it waits in the bus, where everybody's calls are in one line.
    const bool more_comes = std::exchange(taken_, 0) >= kManyTaken;
    const auto end = std::chrono::steady_clock::now() + kMostPerTurn;
    const auto may = [this](uid_t uid) { return unread_ == nullptr || policy::is_master(uid, getuid()) || unread_->may_answer(uid); };
    do {
        auto turn = turns_.next(may);
        if (!turn) return; // who reads again has this called
        const bool master = policy::is_master(turn->uid, getuid());
        dispatch(std::move(*turn));
        if (more_comes && !master) break;
    } while (std::chrono::steady_clock::now() < end);
    if (!turns_.empty()) look_again();
}

void CallLine::dispatch(policy::Turns<Message>::Turn turn)
{
    const bool master = policy::is_master(turn.uid, getuid());
    if (unread_ != nullptr && !master) unread_->answered(turn.uid, turn.connection);
    if (sd_bus_enqueue_for_read(bus_, turn.item.get()) < 0) return; // the bus is lost, which its bridge notices
    given_back_ = turn.item.get();
    context_.serving = Caller{turn.uid, master};
    // What sd-bus had read before goes through the filter first.
    while (given_back_ != nullptr && sd_bus_process(bus_, nullptr) > 0) {
    }
    given_back_ = nullptr;
    context_.serving.reset();
}

} // namespace pm::bus
