// SPDX-License-Identifier: Apache-2.0
#include "launch/systemd_launcher.hpp"

#include "launch/process/process_table.hpp"
#include "launch/process/cgroup_files.hpp"
#include "launch/systemd/impl.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace pm::launch {

SystemdLauncher::Impl::Impl(io::EventLoop& loop, engine::Output& output, engine::Sockets& sockets, engine::Channels& channels, SystemdOptions options,
                            std::function<void(const std::string&)> warn)
    : loop_(loop), output_(output), sockets_(sockets), channels_(channels), options_(std::move(options)), warn_(std::move(warn)),
      decisions_(loop_, options_.write_down, warn_),
      bus_(loop, options_.user ? ManagerBus::Which::User : ManagerBus::Which::System,
           {[this] { on_connected(); },
            [this](const std::string& unit, const std::string& result, const std::string& job) { on_job_removed(unit, result, job); },
            warn_})
{
    read_earlier();
    auto made = loop_.add_deferred(io::Priority::Processes, [this] {
        for (const auto& [key, exit] : std::exchange(failed_, {})) events_->on_gone(key, exit);
    });
    if (made)
        deferred_ = *std::move(made);
    else
        warn_(made.error().message);
}

SystemdLauncher::Impl::Process SystemdLauncher::Impl::find(engine::ProcessKey key) const
{
    const auto found = processes_.find(key);
    return found == processes_.end() ? nullptr : found->second;
}

void SystemdLauncher::Impl::defer_gone(engine::ProcessKey key, model::ExitInfo exit)
{
    failed_.emplace_back(key, std::move(exit));
    deferred_.set_enabled(true);
}

SystemdLauncher::SystemdLauncher(io::EventLoop& loop, engine::Output& output, engine::Sockets& sockets, engine::Channels& channels, SystemdOptions options,
                                 std::function<void(const std::string&)> warn)
    : impl_(std::make_unique<Impl>(loop, output, sockets, channels, std::move(options), std::move(warn)))
{
}

SystemdLauncher::~SystemdLauncher() = default;

void SystemdLauncher::set_events(engine::LauncherEvents& events) { impl_->events_ = &events; }

void SystemdLauncher::launch(const engine::LaunchRequest& request) { impl_->launch(request); }

void SystemdLauncher::adopt(const engine::LaunchRequest& request) { impl_->adopt(request); }

void SystemdLauncher::terminate(engine::ProcessKey key, int signal)
{
    if (impl_->drop_held(key, signal)) return;
    impl_->decisions_.once_written([impl = impl_.get(), key, signal] {
        if (const auto process = impl->find(key)) impl->signal_all(*process, signal);
    });
}

void SystemdLauncher::kill(engine::ProcessKey key)
{
    if (impl_->drop_held(key, SIGKILL)) return;
    if (const auto process = impl_->find(key)) impl_->signal_all(*process, SIGKILL);
}

base::Result<void> SystemdLauncher::signal(engine::ProcessKey key, int signal)
{
    const auto process = impl_->find(key);
    if (!process || !process->main.fd) return base::fail(base::ErrorCode::NotOnline, "no process runs");
    const int error = send_signal(process->main.fd, signal);
    if (error != 0) return base::fail_errno("signalling process " + std::to_string(process->pid), error);
    return {};
}

std::optional<model::Usage> SystemdLauncher::usage(engine::ProcessKey key)
{
    const auto process = impl_->find(key);
    return process ? impl_->usage(*process) : std::nullopt;
}

std::optional<std::uint64_t> SystemdLauncher::held_memory(engine::ProcessKey key)
{
    const auto process = impl_->find(key);
    if (!process || process->cgroup.empty()) return std::nullopt;
    if (const auto held = cgroup_held_bytes(process->cgroup)) return held;
    const auto used = impl_->usage(*process); // no memory controller
    return used ? std::optional(used->memory_bytes) : std::nullopt;
}

base::Result<std::vector<std::string>> SystemdLauncher::environment(engine::ProcessKey key)
{
    const auto process = impl_->find(key);
    if (!process || !process->main.fd) return base::fail(base::ErrorCode::NotOnline, "no process runs");
    return environment_of_process(process->pid);
}

void SystemdLauncher::adjust(const engine::Adjustment& adjustment) { impl_->adjust(adjustment); }

void SystemdLauncher::forget(base::InstanceId id, const std::string& app, bool last) { impl_->forget(id, app, last); }

/// What systemd is told by a connection that is gone it refuses, as it cannot see any more whose it was: it answers first.
void SystemdLauncher::settle(std::function<void()> done)
{
    impl_->decisions_.carry_out();
    for (const std::string& slice : std::exchange(impl_->slices_, {})) impl_->stop_unit(slice);
    impl_->bus_.send(impl_->bus_.manager_call("GetDefaultTarget"), [done = std::move(done)](const ManagerBus::Answer&) { done(); });
}

bool SystemdLauncher::owns(engine::ProcessKey key, pid_t pid)
{
    const auto process = impl_->find(key);
    if (!process) return false;
    if (pid == process->pid) return static_cast<bool>(process->main.fd); // wherever it is
    if (process->cgroup.empty()) return false;
    const std::string cgroup = cgroup_of(pid);
    return cgroup == process->cgroup || cgroup.starts_with(process->cgroup + "/");
}

std::vector<pid_t> SystemdLauncher::members(engine::ProcessKey key)
{
    const auto process = impl_->find(key);
    if (!process) return {};
    std::vector<pid_t> members = process->cgroup.empty() ? std::vector<pid_t>() : cgroup_members(process->cgroup);
    if (process->main.fd && std::ranges::find(members, process->pid) == members.end()) members.push_back(process->pid);
    return members;
}

void SystemdLauncher::end_unclaimed() { impl_->all_claimed_ = true; }

std::string SystemdLauncher::description() const
{
    return impl_->options_.user ? "transient units of the user's systemd, below pm.slice" : "transient units below pm.slice";
}

void SystemdLauncher::set_path(std::string path) { impl_->options_.path = std::move(path); }

void SystemdLauncher::forget_accounts() { impl_->accounts_.forget(); }

} // namespace pm::launch
