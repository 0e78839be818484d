// SPDX-License-Identifier: Apache-2.0
#include "launch/direct_launcher.hpp"

#include "launch/direct/cgroup_limits.hpp"
#include "launch/direct/impl.hpp"

#include <cstring>
#include <sys/prctl.h>

namespace pm::launch {

DirectLauncher::Impl::Impl(io::EventLoop& loop, engine::Output& output, engine::Sockets& sockets, engine::Channels& channels, DirectOptions options,
                           std::function<void(const std::string&)> warn)
    : loop_(loop), output_(output), sockets_(sockets), channels_(channels), options_(std::move(options)), warn_(std::move(warn)),
      family_([this](pid_t pid) { return mains_.contains(pid) || checks_.contains(pid); }), journal_(options_.journal),
      decisions_(loop_, options_.write_down, warn_)
{
    if (::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
        warn_("cannot become a subreaper: what apps start in the background may outlive them");
    ::signal(SIGCHLD, SIG_DFL); // inherited as ignored, it would have the kernel throw exit statuses away
    if (auto made = loop_.add_deferred(io::Priority::Processes, [this] { run_deferred(); }))
        deferred_ = *std::move(made);
    else
        warn_(made.error().message);
    if (auto made = loop_.add_deferred(io::Priority::Output, [this] { launch_from_line(); }))
        line_turn_ = *std::move(made);
    else
        warn_(made.error().message);
    if (auto made = loop_.add_timer(model::TimePoint::max(), io::Priority::Processes, [this] { check_all_leftovers(); }))
        ask_again_ = *std::move(made);
    else
        warn_(made.error().message);
    if (auto made = loop_.add_signal(SIGCHLD, [this](int) { reap(); }))
        children_ = *std::move(made);
    else
        warn_(made.error().message);
    read_earlier();
    if (cgroups_ && cgroups_->usable())
        for (const std::string& name : cgroups_->left_by_others()) linger(name);
}

Generation* DirectLauncher::Impl::find(engine::ProcessKey key)
{
    const auto found = generations_.find(key);
    return found == generations_.end() ? nullptr : found->second.get();
}

void DirectLauncher::Impl::defer_gone(engine::ProcessKey key, model::ExitInfo exit)
{
    failed_.emplace_back(key, std::move(exit));
    deferred_.set_enabled(true);
}

void DirectLauncher::Impl::run_deferred()
{
    tell_adopted();
    for (const engine::ProcessKey key : std::exchange(begun_, {}))
        if (const Generation* generation = find(key); generation != nullptr && generation->talk.open()) events_->on_launching(key);
    for (const auto& [key, exit] : std::exchange(failed_, {})) events_->on_gone(key, exit);
    if (std::exchange(reap_again_, false)) reap();
}

DirectLauncher::DirectLauncher(io::EventLoop& loop, engine::Output& output, engine::Sockets& sockets, engine::Channels& channels, DirectOptions options,
                               std::function<void(const std::string&)> warn)
    : impl_(std::make_unique<Impl>(loop, output, sockets, channels, std::move(options), std::move(warn)))
{
}

DirectLauncher::~DirectLauncher() = default;

void DirectLauncher::set_events(engine::LauncherEvents& events) { impl_->events_ = &events; }

void DirectLauncher::launch(const engine::LaunchRequest& request) { impl_->launch(request); }

void DirectLauncher::terminate(engine::ProcessKey key, int signal)
{
    impl_->decisions_.once_written([impl = impl_.get(), key, signal] {
        Generation* generation = impl->find(key);
        if (generation != nullptr && !impl->drop_from_line(*generation, signal)) impl->signal_all(*generation, signal);
    });
}

void DirectLauncher::kill(engine::ProcessKey key)
{
    Generation* generation = impl_->find(key);
    if (generation != nullptr && !impl_->drop_from_line(*generation, SIGKILL)) impl_->signal_all(*generation, SIGKILL);
}

base::Result<void> DirectLauncher::signal(engine::ProcessKey key, int signal)
{
    Generation* generation = impl_->find(key);
    if (generation == nullptr || !generation->main_alive())
        return base::fail(base::ErrorCode::NotOnline, "no process runs");
    const int error = send_signal(generation->main.fd, signal);
    if (error != 0) return base::fail_errno("signalling process " + std::to_string(generation->pid), error);
    return {};
}

bool DirectLauncher::owns(engine::ProcessKey key, pid_t pid)
{
    Generation* generation = impl_->find(key);
    if (generation == nullptr) return false;
    if (!generation->cgroup.empty()) return impl_->cgroups_->contains(generation->cgroup, pid);
    return impl_->family_.owns(pid, *generation);
}

std::vector<pid_t> DirectLauncher::members(engine::ProcessKey key)
{
    Generation* generation = impl_->find(key);
    if (generation == nullptr) return {};
    if (!generation->cgroup.empty()) return impl_->cgroups_->members(generation->cgroup);
    std::vector<pid_t> pids;
    if (generation->main_alive()) pids.push_back(generation->pid);
    for (const ProcessInfo& info : impl_->family_.members(*generation)) pids.push_back(info.pid);
    return pids;
}

std::optional<model::Usage> DirectLauncher::usage(engine::ProcessKey key)
{
    Generation* generation = impl_->find(key);
    return generation == nullptr ? std::nullopt : impl_->usage(*generation);
}

std::optional<std::uint64_t> DirectLauncher::held_memory(engine::ProcessKey key)
{
    Generation* generation = impl_->find(key);
    if (generation == nullptr) return std::nullopt;
    if (!generation->cgroup.empty())
        if (const auto held = impl_->cgroups_->held_bytes(generation->cgroup)) return held;
    const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    std::uint64_t bytes = 0;
    for (const pid_t pid : members(key)) // what they share is counted for each
        if (const auto info = read_process(pid)) bytes += info->resident_pages * page;
    return bytes;
}

base::Result<std::vector<std::string>> DirectLauncher::environment(engine::ProcessKey key)
{
    Generation* generation = impl_->find(key);
    if (generation == nullptr || !generation->main_alive())
        return base::fail(base::ErrorCode::NotOnline, "no process runs");
    return environment_of_process(generation->pid); // not reaped yet, so the number is its own
}

void DirectLauncher::adopt(const engine::LaunchRequest& request) { impl_->adopt(request); }

/// Nobody would end, in time, what the next pmd does not know of.
void DirectLauncher::pause()
{
    impl_->paused_ = true;
    impl_->end_checks("not done, as pmd is being upgraded");
}

void DirectLauncher::go_on()
{
    impl_->paused_ = false;
    impl_->line_turn_.set_enabled(true);
}

bool DirectLauncher::at_rest() const { return impl_->at_rest(); }

std::string DirectLauncher::state() const { return impl_->state(); }

void DirectLauncher::adjust(const engine::Adjustment& adjustment) { impl_->adjust(adjustment); }

std::string DirectLauncher::not_enforced(const model::AppSpec& spec) const
{
    return limits_not_enforced(spec, [this](std::string_view controller) {
        return impl_->cgroups_ && impl_->cgroups_->has_controller(controller);
    });
}

void DirectLauncher::forget(base::InstanceId id, const std::string&, bool)
{
    impl_->output_.forget(id);
    impl_->note_end();
}

const std::string& DirectLauncher::cgroup_root() const
{
    return impl_->cgroups_ && impl_->cgroups_->usable() ? impl_->cgroups_->root() : impl_->no_root_;
}

std::string DirectLauncher::description() const
{
    return cgroup_root().empty() ? "process trees (no writable cgroup2 subtree)" : "a cgroup per app below " + cgroup_root();
}

void DirectLauncher::forget_accounts() { impl_->accounts_.forget(); }

void DirectLauncher::set_path(std::string path) { impl_->options_.path = std::move(path); }

} // namespace pm::launch
