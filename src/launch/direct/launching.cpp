// SPDX-License-Identifier: Apache-2.0
#include "launch/direct/impl.hpp"

#include "base/guard.hpp"
#include "launch/direct/cgroup_limits.hpp"
#include "launch/process/orders.hpp"
#include "launch/process/pid_file.hpp"
#include "launch/process/sentences.hpp"
#include "launch/wire.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>

namespace pm::launch {
namespace {

using model::ExitInfo;
using model::LaunchStage;

/// Refusals that are about the cgroup and not about processes as such.
bool about_cgroup(int error) noexcept
{
    return error == EACCES || error == EPERM || error == EBUSY || error == EOPNOTSUPP || error == EINVAL ||
           error == ENOSYS || error == ENODEV || error == E2BIG || error == EBADF;
}

std::vector<FileId> outputs_of(const engine::Stdio& stdio)
{
    std::vector<FileId> outputs;
    struct stat status {};
    for (const base::Fd* fd : {&stdio.out, &stdio.err})
        if (*fd && ::fstat(fd->get(), &status) == 0) outputs.push_back({status.st_dev, status.st_ino});
    return outputs;
}

std::string leaf_name(const engine::LaunchRequest& request)
{
    // The id is unique in this pmd at any moment, the generation within the instance; the name is for people.
    return escape_component(request.spec->name) + "-" + std::to_string(request.slot.value) + "." +
           std::to_string(request.key.id.value) + "." + std::to_string(request.key.generation.value);
}

} // namespace

void DirectLauncher::Impl::launch(const engine::LaunchRequest& request)
{
    const auto [at, fresh] = generations_.try_emplace(request.key);
    if (!fresh) {
        warn_("internal error: a process was launched twice under one key");
        return;
    }
    at->second = std::make_unique<Generation>();
    Generation& generation = *at->second;
    generation.request = request;
    if (!paused_ && line_.admit(request.key, std::chrono::steady_clock::now())) return carry_out(generation);
    if (paused_) line_.stand(request.key);
    generation.waiting = true;
    line_turn_.set_enabled(true);
}

/// Some of those in line; then everything else has its turn.
void DirectLauncher::Impl::launch_from_line()
{
    if (paused_) return;
    for (int count = 0; count < LaunchQueue::kAtOnce && !line_.empty(); ++count) {
        Generation* generation = find(line_.next());
        if (generation == nullptr) continue; // dropped meanwhile
        generation->waiting = false;
        carry_out(*generation);
    }
    if (!line_.empty()) line_turn_.set_enabled(true);
}

/// True when the process was still waiting for its launch, and will not be launched.
bool DirectLauncher::Impl::drop_from_line(Generation& generation, int signal)
{
    if (!generation.waiting) return false;
    const engine::ProcessKey key = generation.request.key;
    generations_.erase(key);
    defer_gone(key, {.kind = ExitInfo::Kind::Signaled, .code = signal});
    return true;
}

void DirectLauncher::Impl::carry_out(Generation& generation)
{
    const engine::LaunchRequest request = generation.request;
    std::optional<ExitInfo> failure;
    base::guard([&] { failure = start(generation); },
                [&](const std::string& what) { failure = launch_failed(LaunchStage::Resources, ENOMEM, what); });
    if (!failure) {
        begun_.push_back(request.key);
        return deferred_.set_enabled(true);
    }
    if (generation.main.fd) send_signal(generation.main.fd, SIGKILL); // it runs, but cannot be watched
    if (!generation.cgroup.empty()) linger(generation.cgroup);
    mains_.erase(generation.pid);
    generations_.erase(request.key);
    defer_gone(request.key, *std::move(failure));
}

std::optional<ExitInfo> DirectLauncher::Impl::start(Generation& generation)
{
    const engine::LaunchRequest& request = generation.request;
    const auto account = accounts_.find(request.spec->user, request.spec->group);
    if (!account) return account.error();
    generation.user = identity_of(*account);
    auto stdio = output_.open(request, generation.user);
    if (!stdio) return launch_failed(LaunchStage::Resources, EIO, stdio.error());
    lift(stdio->out);
    lift(stdio->err);
    generation.outputs = outputs_of(*stdio);
    const auto sockets = sockets_.descriptors(request);
    if (!sockets) return launch_failed(LaunchStage::Listen, EADDRNOTAVAIL, sockets.error());
    const auto channel = channels_.connect(request, generation.user);
    if (!channel) return launch_failed(LaunchStage::Resources, EIO, channel.error());
    auto orders = make_orders(request, {*account, !stdio->out, !stdio->err, options_.path, options_.nofile, *channel});
    if (!orders) return step_failed(LaunchStage::Wire, E2BIG, {});
    auto ends = make_socket_pair();
    if (!ends) return step_failed(LaunchStage::Resources, errno, {});
    if (auto failure = run_pm_exec(generation, *stdio, std::move(ends->theirs))) return failure;
    note_launch(generation); // without orders it would end with us
    if (const int error = generation.talk.begin(std::move(ends->ours), *std::move(orders), false, descriptors_of(*sockets, *channel)))
        return step_failed(LaunchStage::Listen, error, {});
    return watch(generation);
}

std::optional<ExitInfo> DirectLauncher::Impl::run_pm_exec(Generation& generation, const engine::Stdio& stdio,
                                                          base::Fd in)
{
    SpawnRequest request{options_.pm_exec.c_str(), in.get(), stdio.out.get(), stdio.err.get(), -1};
    base::Fd leaf;
    if (cgroups_ && cgroups_->usable()) {
        std::string name = leaf_name(generation.request);
        leaf = cgroups_->create(name);
        if (leaf) generation.cgroup = std::move(name);
        if (leaf) set_limits(generation, policy::instance_properties(*generation.request.spec));
        request.cgroup = leaf.get();
    }
    auto made = spawn(request);
    if (!made && leaf && !made.error().executing && about_cgroup(made.error().error)) {
        warn_(step_failed(LaunchStage::Cgroup, made.error().error, cgroups_->root()).detail +
              "; following process trees instead");
        (void)cgroups_->remove(generation.cgroup);
        generation.cgroup.clear();
        cgroups_->disable();
        request.cgroup = -1;
        made = spawn(request);
    }
    if (!made && made.error().executing)
        return step_failed(LaunchStage::Execute, made.error().error, options_.pm_exec);
    if (!made) return step_failed(LaunchStage::Resources, made.error().error, {});
    generation.pid = made->pid;
    generation.main.fd = std::move(made->pidfd);
    return std::nullopt;
}

/// Writes those of `properties` that limit cgroups, as far as the controllers are there.
void DirectLauncher::Impl::set_limits(const Generation& generation, const policy::Properties& properties)
{
    for (const model::UnitProperty& property : properties) {
        const auto limit = cgroup_limit(property);
        if (!limit || !cgroups_->has_controller(limit->controller)) continue;
        const int error = cgroups_->write(generation.cgroup, std::string(limit->file), limit->text);
        if (error != 0)
            warn_(generation.request.spec->name + ": limits." + std::string(limit->key) + " does not hold: " +
                  base::fail_errno("writing '" + limit->text + "' to " + std::string(limit->file), error).value().message);
    }
}

void DirectLauncher::Impl::adjust(const engine::Adjustment& adjustment)
{
    for (const engine::ProcessKey key : adjustment.processes) {
        Generation* generation = find(key);
        if (generation == nullptr) continue;
        generation->request.spec = adjustment.spec; // one in line is launched with it
        if (!generation->cgroup.empty()) set_limits(*generation, adjustment.change.instance);
    }
}

std::optional<ExitInfo> DirectLauncher::Impl::watch(Generation& generation)
{
    auto main = loop_.add_io(generation.main.fd.get(), EPOLLIN, io::Priority::Processes,
                             [this, &generation](std::uint32_t) { on_main(generation); });
    auto talk = generation.talk.watch(loop_, [this, &generation](std::uint32_t events) { on_orders(generation, events); });
    if (!main) return launch_failed(LaunchStage::Resources, ENOMEM, main.error().message);
    if (!talk) return launch_failed(LaunchStage::Resources, ENOMEM, talk.error().message);
    generation.main.source = *std::move(main);
    mains_.emplace(generation.pid, &generation);
    return std::nullopt;
}

void DirectLauncher::Impl::on_orders(Generation& generation, std::uint32_t events)
{
    if (generation.talk.ready(events) && read_answer(generation) == Talk::Heard::Running) became_running(generation);
}

/// After a failure pm-exec is exiting: on_gone() waits for that, so that nothing is left behind.
Talk::Heard DirectLauncher::Impl::read_answer(Generation& generation)
{
    Talk::Heard heard = generation.talk.read();
    if (heard == Talk::Heard::Filter) {
        channels_.take_filter(generation.request.key, generation.talk.listener());
        heard = generation.talk.read();
    }
    if (heard == Talk::Heard::Failed) {
        generation.exit = generation.talk.failure();
        generation.failed = true;
    }
    return heard;
}

void DirectLauncher::Impl::became_running(Generation& generation)
{
    const engine::LaunchRequest& request = generation.request;
    if (!request.spec->pid_file.empty()) {
        std::string path = pid_file_path(request.spec->pid_file, request.slot.value, request.several);
        if (const auto written = write_pid_file(path, generation.pid, generation.user.get()))
            generation.pid_file = std::move(path);
        else
            warn_(request.spec->name + ": " + written.error().message);
    }
    events_->on_running(request.key, generation.pid);
}

} // namespace pm::launch
