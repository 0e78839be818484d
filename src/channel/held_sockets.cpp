// SPDX-License-Identifier: Apache-2.0
#include "channel/held_sockets.hpp"

#include "channel/socket_address.hpp"

#include <algorithm>
#include <cerrno>
#include <fmt/format.h>
#include <unistd.h>

namespace pm::channel {
namespace {

using base::ErrorCode;
using base::fail;
using base::Result;
using model::ListenAddress;

base::Unexpected refused(const model::AppSpec& spec, const ListenAddress& address, const std::string& why)
{
    return fail(ErrorCode::ListenFailed, fmt::format("app '{}': listening on {}: {}", spec.name, model::to_string(address), why));
}

/// While one is held, the other may not be had.
bool in_the_way(const ListenAddress& held, const ListenAddress& wanted)
{
    if (model::is_ip(held.kind)) return model::is_ip(wanted.kind) && held.type == wanted.type && held.port == wanted.port;
    return held.kind == wanted.kind && held.host == wanted.host;
}

/// Refuses what an open socket cannot change.
Result<void> check_change(const model::AppSpec& spec, const ListenAddress& before, const ListenAddress& after)
{
    std::string_view key;
    if (before.v6only != after.v6only) key = "v6only";
    if (before.reuseport != after.reuseport) key = "reuseport";
    if (before.free_bind != after.free_bind) key = "free_bind";
    if (key.empty()) return {};
    return refused(spec, after, fmt::format("'{}' cannot change while the socket is open: stop the app first", key));
}

} // namespace

HeldSockets::HeldSockets(Accounts accounts, std::function<void(const std::string&)> warn)
    : accounts_(std::move(accounts)), warn_(std::move(warn))
{
}

/// One name for one place of one app, short whatever the path (FDNAME= takes 255 bytes of ASCII). FNV-1a: who takes a
/// socket out of the depot looks where it is bound.
std::string HeldSockets::name_in_depot(const std::string& app, const ListenAddress& address)
{
    std::uint64_t hash = 0xcbf29ce484222325U;
    for (const char c : app + "\n" + model::to_string(address) + "\n" + std::string(model::to_string(address.type)))
        hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
    return fmt::format("listen-{:016x}", hash);
}

Result<void> HeldSockets::hold(const model::AppSpec& spec, uid_t owner)
{
    auto fresh = open_missing(spec, owner);
    if (!fresh) return tl::unexpected(std::move(fresh).error());
    if (!fresh->empty()) add(spec.name, *std::move(fresh));
    return {};
}

void HeldSockets::keep_only(const std::string& app, std::span<const ListenAddress> needed)
{
    const auto found = apps_.find(app);
    if (found == apps_.end()) return;
    std::erase_if(found->second, [&](Held& held) {
        const auto same = [&](const ListenAddress& address) { return model::same_place(address, held.address); };
        if (std::ranges::any_of(needed, same)) return false;
        close(app, held);
        return true;
    });
    if (found->second.empty()) apps_.erase(found);
}

void HeldSockets::resume(const model::AppSpec& spec, uid_t owner)
{
    for (const ListenAddress& address : spec.listen) {
        List& list = apps_[spec.name];
        if (find(list, address) != nullptr || depot_ == nullptr) continue;
        base::Fd kept = depot_->recover(name_in_depot(spec.name, address));
        if (!kept || !is_at(kept.get(), address)) continue;
        const auto allowed = rights(spec, address, owner);
        if (!allowed) continue;
        Held& held = list.emplace_back(Held{address, allowed->owner, std::move(kept), std::nullopt});
        if (address.kind != ListenAddress::Kind::Path) continue;
        held.file = socket_file(allowed->owner, address.host);
        keep_path(held);
    }
    if (auto held = hold(spec, owner); !held) warn_(held.error().message + "; the next start of the app tries again");
}

Result<std::vector<int>> HeldSockets::descriptors(const engine::LaunchRequest& request)
{
    const model::AppSpec& spec = *request.spec;
    std::vector<int> fds;
    if (spec.listen.empty()) return fds;
    if (auto held = hold(spec, request.owner); !held) return tl::unexpected(std::move(held).error());
    for (const ListenAddress& address : spec.listen) {
        Held& held = *find(apps_[spec.name], address);
        fds.push_back(held.fd.get());
        if (held.address == address) continue;
        const auto allowed = rights(spec, address, request.owner);
        if (!allowed) return tl::unexpected(allowed.error());
        adjust(held, address, *allowed);
    }
    return fds;
}

HeldSockets::Held* HeldSockets::find(List& list, const ListenAddress& address)
{
    const auto found = std::ranges::find_if(list, [&](const Held& held) { return model::same_place(held.address, address); });
    return found == list.end() ? nullptr : &*found;
}

/// Of an ordinary user's app all is done with his rights. An app of root may run as somebody else, to whom its files
/// go.
Result<Rights> HeldSockets::rights(const model::AppSpec& spec, const ListenAddress& address, uid_t owner)
{
    Rights rights;
    const bool for_root = owner == 0;
    if (::geteuid() == 0 && !for_root) {
        const auto who = accounts_(std::to_string(owner), "");
        if (!who) return refused(spec, address, who.error().message);
        if (who->uid != owner || !who->gid) return refused(spec, address, fmt::format("user {} is not known", owner));
        rights.owner =
            std::make_shared<const model::Identity>(model::Identity{owner, *who->gid, who->groups, std::to_string(owner)});
        rights.may_have_low_ports = false;
    }
    if (address.kind != ListenAddress::Kind::Path) return rights;
    const std::string& user = address.user.empty() && for_root ? spec.user : address.user;
    const std::string& group = address.group.empty() && for_root ? spec.group : address.group;
    if (user.empty() && group.empty()) return rights;
    const auto ids = accounts_(user, group);
    if (!ids) return refused(spec, address, ids.error().message);
    if (!user.empty()) rights.file_user = ids->uid.value_or(rights.file_user);
    rights.file_group = ids->gid.value_or(rights.file_group);
    return rights;
}

/// What `spec` wants and is not held, or is not to be reached any more as its file was removed. All or none.
Result<HeldSockets::List> HeldSockets::open_missing(const model::AppSpec& spec, uid_t owner)
{
    List fresh;
    const auto found = apps_.find(spec.name);
    for (const ListenAddress& address : spec.listen) {
        Held* held = found == apps_.end() ? nullptr : find(found->second, address);
        if (held != nullptr && held->kept) held->kept->put_back(); // where the kernel does not tell
        auto good = held == nullptr ? Result<void>{} : check_change(spec, held->address, address);
        if (good && held != nullptr && held->address != address) // whom it is to belong to is told now, not at the launch
            good = rights(spec, address, owner).map([](const Rights&) {});
        if (good && held != nullptr && (!held->file || socket_file(held->owner, address.host) == held->file)) continue;
        auto opened = good ? open(spec, address, owner) : tl::unexpected(good.error());
        if (opened) {
            fresh.push_back(*std::move(opened));
            continue;
        }
        for (Held& one : fresh) close(spec.name, one);
        return tl::unexpected(std::move(opened).error());
    }
    return fresh;
}

Result<HeldSockets::Held> HeldSockets::open(const model::AppSpec& spec, const ListenAddress& address, uid_t owner)
{
    const auto allowed = rights(spec, address, owner);
    if (!allowed) return tl::unexpected(allowed.error());
    auto opened = open_socket(address, *allowed);
    if (!opened && opened.error().error == EADDRINUSE && depot_ != nullptr && std::exchange(discarded_, false)) {
        depot_->settle();
        opened = open_socket(address, *allowed);
    }
    if (opened) {
        Held held{address, allowed->owner, std::move(opened->fd), opened->file};
        keep_path(held);
        return held;
    }
    const std::string holder = opened.error().error == EADDRINUSE ? holder_of(spec, address) : "";
    return refused(spec, address, holder.empty() ? opened.error().why : holder);
}

std::string HeldSockets::holder_of(const model::AppSpec& spec, const ListenAddress& address) const
{
    for (const auto& [app, list] : apps_)
        for (const Held& held : list) {
            if (!in_the_way(held.address, address)) continue;
            const std::string place = model::to_string(held.address);
            return app == spec.name ? fmt::format("the app itself holds {}: stop it first", place)
                                    : fmt::format("in use by app '{}' of this pmd ({})", app, place);
        }
    return {};
}

/// A socket takes the place of one that is not to be reached any more.
void HeldSockets::add(const std::string& app, List fresh)
{
    List& list = apps_[app];
    for (Held& held : fresh) {
        const std::string name = name_in_depot(app, held.address);
        if (std::erase_if(list, [&](const Held& old) { return model::same_place(old.address, held.address); }) > 0 &&
            depot_ != nullptr)
            depot_->discard(name);
        if (depot_ != nullptr) depot_->store(name, held.fd.get());
        list.push_back(std::move(held));
    }
}

void HeldSockets::keep_path(Held& held)
{
    if (paths_ == nullptr || held.address.kind != ListenAddress::Kind::Path) return;
    held.kept = paths_->keep(-1, held.address.host, held.file, held.owner);
    if (held.kept) held.file = held.kept->file();
}

/// The owner and the mode are those of a file with one name.
void HeldSockets::adjust(Held& held, const ListenAddress& address, const Rights& allowed)
{
    if (held.kept) held.kept->drop_spare();
    held.kept.reset();
    adjust_socket(held.fd.get(), address, allowed);
    held.address = address;
    keep_path(held);
}

/// A copy that the depot, or a process that was spared, still has takes no connections either.
void HeldSockets::close(const std::string& app, Held& held)
{
    ::shutdown(held.fd.get(), SHUT_RDWR);
    if (held.kept) held.kept->release();
    held.kept.reset();
    if (held.file) remove_own(held.owner, held.address.host, *held.file);
    held.fd.reset();
    if (depot_ == nullptr) return;
    depot_->discard(name_in_depot(app, held.address));
    discarded_ = true;
}

} // namespace pm::channel
