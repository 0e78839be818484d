// SPDX-License-Identifier: Apache-2.0
#include "bus/authority.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <set>
#include <unistd.h>

namespace pm::bus {
namespace {

using policy::Access;
using policy::Relation;

constexpr std::size_t kMostNamed = 3; ///< apps and users in a phrase
constexpr std::size_t kLongestName = 64;
constexpr gid_t kNoGroup = 65534; ///< of a caller whose groups the bus does not tell

/// "'a', 'b' and 3 more".
std::string listed(const std::vector<std::string>& names, std::string_view quote)
{
    std::string text;
    for (std::size_t i = 0; i < std::min(names.size(), kMostNamed); ++i)
        text += fmt::format("{}{}{}{}", i == 0 ? "" : ", ", quote, base::printable(names[i].substr(0, kLongestName)),
                            quote);
    return names.size() > kMostNamed ? fmt::format("{} and {} more", text, names.size() - kMostNamed) : text;
}

struct Named {
    std::string apps;   ///< "'web', 'db'"
    std::string owners; ///< "alice, bob"
    bool several = false;
};

Named name(const Context& context, const std::vector<engine::AppRef>& apps)
{
    std::vector<std::string> names;
    std::set<uid_t> owners;
    for (const engine::AppRef& app : apps) {
        names.push_back(app.name);
        owners.insert(app.owner);
    }
    std::vector<std::string> users;
    for (const uid_t owner : owners)
        users.push_back(user_name(context, owner));
    return {listed(names, "'"), listed(users, ""), apps.size() > 1};
}

/// Exactly these apps, as long as they belong to whom they belong to now.
engine::May only(const std::vector<engine::AppRef>& apps)
{
    auto allowed = std::make_shared<std::set<std::pair<std::string, uid_t>>>();
    for (const engine::AppRef& app : apps)
        allowed->emplace(app.name, app.owner);
    return [allowed](const std::string& app, uid_t owner) { return allowed->contains({app, owner}); };
}

engine::May owned_by(uid_t uid)
{
    return [uid](const std::string&, uid_t owner) { return owner == uid; };
}

} // namespace

Call call_of(const sdbus::Message* message)
{
    if (message == nullptr) return {};
    return {message->getSender(), sd_bus_message_get_allow_interactive_authorization(dbus::raw(*message)) > 0};
}

Authority::Authority(Context& context, sdbus::IConnection& connection, Callers* callers) : context_(context)
{
    if (callers != nullptr) remote_.emplace(connection, *callers);
}

void Authority::decide(const Call& call, const Wish& wish, const Then& then)
{
    if (!remote_) return then(Grant{getuid(), true, {}, {}});
    remote_->callers.find(call.sender, [this, call, wish, then](const base::Result<Credentials>& who) {
        if (!who) return then(tl::unexpected(who.error()));
        decide_for(*who, call, wish, then);
    });
}

void Authority::decide_for(const Credentials& who, const Call& call, const Wish& wish, const Then& then)
{
    const bool master = policy::is_master(who.uid, getuid());
    if (master) return then(Grant{who.uid, true, who.groups, {}});
    const Grant grant{who.uid, false, who.groups, owned_by(who.uid)};
    if (wish.target) {
        const auto apps = context_.supervisor.owners_of(*wish.target);
        if (!apps && wish.may_be_none && apps.error().code == base::ErrorCode::NoSuchApp) return then(grant);
        return apps ? decide_about(grant, *apps, call, wish, then) : then(tl::unexpected(apps.error()));
    }
    const auto action = policy::needed(wish.access, Relation::Stranger);
    if (!action) return then(grant);
    ask(call, who.uid, *action, wish.verb, {}, [grant, then](const base::Result<void>& answer) {
        answer ? then(grant) : then(tl::unexpected(answer.error()));
    });
}

void Authority::decide_about(const Grant& base, const std::vector<engine::AppRef>& apps, const Call& call,
                             const Wish& wish, const Then& then)
{
    Grant grant = base;
    const bool has_own = std::ranges::any_of(apps, [&](const engine::AppRef& app) { return app.owner == base.uid; });
    const auto action = policy::needed(wish.access, has_own ? Relation::Owner : Relation::Stranger);
    if (!has_own) grant.may = only(apps);
    if (!action) return then(grant);
    const Named named = name(context_, apps);
    const std::string phrase =
        fmt::format("{} app{} {} of user {}", wish.verb, named.several ? "s" : "", named.apps, named.owners);
    ask(call, base.uid, *action, phrase, {{"app", named.apps}, {"owner", named.owners}, {"verb", wish.verb}},
        [grant, then](const base::Result<void>& answer) {
            answer ? then(grant) : then(tl::unexpected(answer.error()));
        });
}

void Authority::ask(const Call& call, uid_t uid, policy::PolkitAction action, const std::string& phrase,
                    std::map<std::string, std::string> details, const Polkit::Then& then)
{
    // Only who is not a master is asked about, and on other buses everybody is one.
    if (!remote_) return then({});
    details.emplace("what", phrase);
    details.emplace("polkit.message", "Authentication is required to $(what).");
    remote_->polkit.ask({call.sender, uid, action, std::move(details), call.interactive},
                        [phrase, then](const base::Result<void>& answer) {
                            if (answer) return then(answer);
                            then(base::fail(answer.error().code,
                                            fmt::format("not authorized to {}: {}", phrase, answer.error().message)));
                        });
}

base::Result<void> still_covered(const Context& context, const Grant& grant, const std::string& app)
{
    const auto now = context.supervisor.snapshot(app);
    if (!now) return tl::unexpected(now.error());
    if (grant.covers(app, now->owner)) return {};
    return base::fail(base::ErrorCode::NotAuthorized,
                      fmt::format("'{}' belongs to somebody else", base::printable(app)));
}

std::string user_name(const Context& context, uid_t uid)
{
    const auto known = context.user_of ? context.user_of(uid) : std::nullopt;
    return known ? known->name : std::to_string(uid);
}

model::SharedIdentity identity_of(const Context& context, const Grant& grant)
{
    if (grant.master) return nullptr;
    const gid_t group = grant.groups.empty() ? kNoGroup : grant.groups.front();
    return std::make_shared<const model::Identity>(
        model::Identity{grant.uid, group, grant.groups, user_name(context, grant.uid)});
}

} // namespace pm::bus
