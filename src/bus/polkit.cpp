// SPDX-License-Identifier: Apache-2.0
#include "bus/polkit.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace pm::bus {
namespace {

constexpr const char* kName = "org.freedesktop.PolicyKit1";
constexpr const char* kPath = "/org/freedesktop/PolicyKit1/Authority";
constexpr const char* kInterface = "org.freedesktop.PolicyKit1.Authority";
constexpr std::uint32_t kAllowUserInteraction = 1; // CheckAuthorizationFlags

using Subject = sdbus::Struct<std::string, std::map<std::string, sdbus::Variant>>;
/// Authorised, would be after authentication, details.
using Answer = sdbus::Struct<bool, bool, std::map<std::string, std::string>>;

bool is_timeout(const std::string& name)
{
    constexpr std::array kNames{"org.freedesktop.DBus.Error.Timeout", "org.freedesktop.DBus.Error.TimedOut",
                                "org.freedesktop.DBus.Error.NoReply", "System.Error.ETIMEDOUT"};
    return std::ranges::find(kNames, name) != kNames.end();
}

bool is_absence(const std::string& name)
{
    return name == "org.freedesktop.DBus.Error.ServiceUnknown" || name == "org.freedesktop.DBus.Error.NameHasNoOwner" ||
           name.starts_with("org.freedesktop.DBus.Error.Spawn");
}

std::string why_no_answer(const sdbus::Error& error)
{
    if (is_absence(error.getName())) return "polkit, which could allow it, is not there (package 'polkitd')";
    if (is_timeout(error.getName())) return "polkit did not answer in time";
    return "polkit did not answer: " + base::printable(error.getMessage());
}

base::Result<void> read(const Polkit::Question& question, dbus::ReplyError error, const Answer& answer)
{
    const auto refuse = [](std::string why) { return base::fail(base::ErrorCode::NotAuthorized, std::move(why)); };
    if (error) return refuse(why_no_answer(*error));
    if (answer.get<0>()) return {};
    const std::string_view action = policy::to_string(question.action);
    if (answer.get<1>() && !question.interactive)
        return refuse(fmt::format("polkit wants a password first ({}), and this call forbids to ask for one", action));
    if (answer.get<1>())
        return refuse(
            fmt::format("polkit wants a password first ({}), and knows nobody to ask for it (pkttyagent)", action));
    return refuse(fmt::format("polkit says no ({})", action));
}

} // namespace

Polkit::Polkit(sdbus::IConnection& connection) : authority_(dbus::make_proxy(connection, kName, kPath)) {}

void Polkit::ask(const Question& question, Then then)
{
    const auto mine = open_of_user_.find(question.uid);
    if (open_ >= kMostOpen || (mine != open_of_user_.end() && mine->second >= kMostOpenOfUser))
        return then(
            base::fail(base::ErrorCode::Busy, "polkit is still being asked about other calls; let some end first"));
    const std::string id = fmt::format("pmd-{}", ++last_id_);
    const Subject subject{"system-bus-name", {{"name", sdbus::Variant(question.caller)}}};
    const std::string action(policy::to_string(question.action));
    const std::uint32_t flags = question.interactive ? kAllowUserInteraction : 0;
    authority_->callMethodAsync("CheckAuthorization")
        .onInterface(kInterface)
        .withTimeout(question.interactive ? kPatienceWithPeople : kPatience)
        .withArguments(subject, action, question.details, flags, id)
        .uponReplyInvoke([this, id, question, then = std::move(then)](dbus::ReplyError error, const Answer& answer) {
            close_one(question.uid);
            if (error && is_timeout(error->getName())) cancel(id);
            then(read(question, error, answer));
        });
    ++open_;
    ++open_of_user_[question.uid];
}

void Polkit::close_one(uid_t uid)
{
    --open_;
    if (const auto mine = open_of_user_.find(uid); mine != open_of_user_.end() && --mine->second == 0)
        open_of_user_.erase(mine);
}

/// Takes a dialog away that nobody waits for any more.
void Polkit::cancel(const std::string& id)
{
    authority_->callMethodAsync("CancelCheckAuthorization")
        .onInterface(kInterface)
        .withTimeout(kPatience)
        .withArguments(id)
        .uponReplyInvoke([](dbus::ReplyError) {});
}

} // namespace pm::bus
