// SPDX-License-Identifier: Apache-2.0
// Another pmd is executed in the place of this one: units are found again as after a restart, but a pm-exec that waits for
// its orders would wait in vain, and what is not asked for yet would be lost.
#include "launch/process/earlier.hpp"
#include "launch/systemd/impl.hpp"

#include <algorithm>

namespace pm::launch {

void SystemdLauncher::Impl::read_earlier()
{
    if (options_.earlier.empty()) return;
    const auto earlier = earlier_from(std::exchange(options_.earlier, {}));
    if (!earlier) return warn_("which launches waited cannot be read: " + earlier.error().message);
    for (const auto& [key, process] : earlier->processes)
        if (process.waiting) held_earlier_.insert(key);
}

bool SystemdLauncher::Impl::drop_held(engine::ProcessKey key, int signal)
{
    if (held_.erase(key) == 0) return false;
    defer_gone(key, {.kind = model::ExitInfo::Kind::Signaled, .code = signal});
    return true;
}

void SystemdLauncher::pause() { impl_->paused_ = true; }

void SystemdLauncher::go_on()
{
    impl_->paused_ = false;
    for (const auto& [key, request] : std::exchange(impl_->held_, {})) impl_->launch(request);
}

bool SystemdLauncher::at_rest() const
{
    return impl_->failed_.empty() && impl_->decisions_.empty() && std::ranges::none_of(impl_->processes_, [](const auto& entry) {
               return entry.second->phase == UnitProcess::Phase::Starting || entry.second->talk.open();
           });
}

std::string SystemdLauncher::state() const
{
    EarlierLauncher left;
    for (const auto& [key, request] : impl_->held_) left.processes[key].waiting = true;
    return left.processes.empty() ? std::string() : to_bytes(left);
}

} // namespace pm::launch
