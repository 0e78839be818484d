// SPDX-License-Identifier: Apache-2.0
#include "bus/callers.hpp"

#include "base/text.hpp"

#include <chrono>
#include <map>

namespace pm::bus {
namespace {

constexpr const char* kBus = "org.freedesktop.DBus";
constexpr std::chrono::seconds kPatience{10};

using Dictionary = std::map<std::string, sdbus::Variant>;

base::Result<Credentials> credentials_of(const std::string& name, dbus::ReplyError error, const Dictionary& told)
{
    const auto refuse = [&](const std::string& why) {
        return base::fail(base::ErrorCode::NotAuthorized, "who calls as '" + name + "' is not known: " + why);
    };
    if (error) return refuse(base::printable(error->getMessage()));
    const auto uid = told.find("UnixUserID");
    if (uid == told.end() || !uid->second.containsValueOfType<std::uint32_t>()) return refuse("the bus does not tell");
    Credentials credentials{uid->second.get<std::uint32_t>(), {}};
    const auto groups = told.find("UnixGroupIDs");
    if (groups != told.end() && groups->second.containsValueOfType<std::vector<std::uint32_t>>())
        credentials.groups = groups->second.get<std::vector<std::uint32_t>>();
    return credentials;
}

} // namespace

Callers::Callers(sdbus::IConnection& connection) : bus_(dbus::make_proxy(connection, kBus, "/org/freedesktop/DBus"))
{
}

void Callers::find(const std::string& name, Then then)
{
    // While an answer is on its way, later calls of that name wait behind the first.
    if (const auto asked = asked_.find(name); asked != asked_.end()) return asked->second.push_back(std::move(then));
    if (const auto known = known_.find(name); known != known_.end()) return then(known->second);
    asked_[name].push_back(std::move(then));
    ask(name);
}

const Credentials* Callers::known(const std::string& name) const
{
    const auto found = known_.find(name);
    return found == known_.end() || asked_.contains(name) ? nullptr : &found->second;
}

void Callers::ask(const std::string& name)
{
    bus_->callMethodAsync("GetConnectionCredentials")
        .onInterface(kBus)
        .withTimeout(kPatience)
        .withArguments(name)
        .uponReplyInvoke([this, name](dbus::ReplyError error, const Dictionary& told) {
            answer(name, credentials_of(name, error, told));
        });
}

void Callers::answer(const std::string& name, const base::Result<Credentials>& found)
{
    const auto waiting = asked_.extract(name);
    if (found) keep(name, *found);
    if (waiting.empty()) return;
    for (const Then& then : waiting.mapped())
        then(found);
}

void Callers::keep(const std::string& name, const Credentials& credentials)
{
    if (!known_.emplace(name, credentials).second) return;
    oldest_first_.push_back(name);
    if (oldest_first_.size() <= kMostKept) return;
    known_.erase(oldest_first_.front());
    oldest_first_.pop_front();
}

} // namespace pm::bus
