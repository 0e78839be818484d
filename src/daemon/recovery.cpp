// SPDX-License-Identifier: Apache-2.0
// After a pmd that was killed: its apps as it wrote them down, and what they have open as their processes have it. Of
// apps that systemd holds, systemd kept both.
#include "daemon/daemon.hpp"

#include <cstddef>
#include <utility>

namespace pm::daemon {
namespace {

constexpr int kFirstSocket = 3;

/// What the process of `key` was started with.
const model::AppSpec& spec_of(const engine::SavedApp& app, engine::ProcessKey key)
{
    for (const engine::SavedInstance& instance : app.instances) {
        if (instance.id != key.id) continue;
        const auto other = instance.others.find(key.generation);
        const auto& own = other == instance.others.end() ? instance.running : other->second.spec;
        return own ? *own : *app.spec;
    }
    return *app.spec;
}

} // namespace

std::vector<engine::SavedApp> Daemon::recovered_apps()
{
    std::vector<engine::SavedApp> apps;
    for (StateKeeper::Kept& kept : state_.load()) {
        if (!kept.trace.empty()) launcher_->recover(kept.trace);
        if (!launcher_->apps_outlive_us()) recover_descriptors(kept.app);
        apps.push_back(std::move(kept.app));
    }
    if (state_.all_read()) launcher_->end_unclaimed(); // else it may be theirs
    return apps;
}

/// Whoever takes a socket out of the depot looks where it is bound: a program may have put something else there.
void Daemon::recover_descriptors(const engine::SavedApp& app)
{
    for (const engine::ProcessKey key : engine::keys_of(app)) {
        for (const auto& [stream, number] : {std::pair{logs::Stream::Out, 1}, std::pair{logs::Stream::Err, 2}})
            if (base::Fd pipe = launcher_->output_of(key, number)) kept_fds_.inherit(logs::LogStore::name_in_depot(key, stream), std::move(pipe));
        int number = kFirstSocket;
        for (const model::ListenAddress& address : spec_of(app, key).listen)
            if (base::Fd socket = launcher_->descriptor_of(key, number++))
                kept_fds_.inherit(channel::HeldSockets::name_in_depot(app.spec->name, address), std::move(socket));
    }
}

} // namespace pm::daemon
