// SPDX-License-Identifier: Apache-2.0
// The command of a check as a child of pmd, in the control group of the process that it checks.
#include "launch/direct/checking.hpp"

#include "launch/direct/impl.hpp"
#include "base/text.hpp"
#include "launch/process/orders.hpp"
#include "launch/process/sentences.hpp"

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/wait.h>

namespace pm::launch {
namespace {

using model::ExitInfo;
using model::LaunchStage;

} // namespace

DirectCheck::DirectCheck(DirectLauncher::Impl& launcher, const engine::LaunchRequest& checked, model::Duration timeout, engine::Checked done)
    : launcher_(launcher), request_(check_request(checked)), done_(std::move(done))
{
    auto timer = launcher.loop_.add_timer(std::chrono::steady_clock::now() + timeout, io::Priority::Normal, [this, timeout] {
        finish(failure_.empty() ? "took longer than " + base::format_duration(timeout) : failure_);
    });
    if (timer) timer_ = *std::move(timer);
}

void DirectCheck::begin(const Generation& generation)
{
    if (auto failure = start(generation)) {
        failure_ = failure->detail;
        timer_.set_time(std::chrono::steady_clock::now()); // not from inside the call that began it
    }
}

DirectCheck::~DirectCheck() { end(); }

std::optional<ExitInfo> DirectCheck::start(const Generation& generation)
{
    const auto account = launcher_.accounts_.find(request_.spec->user, request_.spec->group);
    if (!account) return account.error();
    const engine::ChannelEnds ends = check_ends(generation.pid);
    auto orders = make_orders(request_, {*account, false, false, launcher_.options_.path, launcher_.options_.nofile, ends});
    if (!orders) return step_failed(LaunchStage::Wire, E2BIG, {});
    auto talk = make_socket_pair();
    const base::Fd output = output_.open(launcher_.loop_);
    if (!talk || !output) return step_failed(LaunchStage::Resources, errno, {});
    base::Fd leaf;
    if (!generation.cgroup.empty()) leaf = base::Fd(::open(launcher_.cgroups_->path(generation.cgroup).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!generation.cgroup.empty() && !leaf) return step_failed(LaunchStage::Cgroup, errno, launcher_.cgroups_->path(generation.cgroup));
    auto made = spawn({launcher_.options_.pm_exec.c_str(), talk->theirs.get(), output.get(), output.get(), leaf.get()});
    if (!made) return step_failed(made.error().executing ? LaunchStage::Execute : LaunchStage::Resources, made.error().error, launcher_.options_.pm_exec);
    pid_ = made->pid;
    main_.fd = std::move(made->pidfd);
    if (const auto info = read_process(pid_)) launcher_.note_launch({pid_, info->start_time, {}}); // the leaf is the app's
    (void)talk_.begin(std::move(talk->ours), *std::move(orders));
    launcher_.checks_.emplace(pid_, this);
    return watch();
}

std::optional<ExitInfo> DirectCheck::watch()
{
    auto talk = talk_.watch(launcher_.loop_, [this](std::uint32_t events) {
        if (talk_.ready(events)) hear();
    });
    auto main = launcher_.loop_.add_io(main_.fd.get(), EPOLLIN, io::Priority::Processes, [this](std::uint32_t) { on_main(); });
    if (!talk) return launch_failed(LaunchStage::Resources, ENOMEM, talk.error().message);
    if (!main) return launch_failed(LaunchStage::Resources, ENOMEM, main.error().message);
    main_.source = *std::move(main);
    return std::nullopt;
}

void DirectCheck::hear()
{
    if (talk_.read() == Talk::Heard::Failed) failure_ = talk_.failure().detail;
}

void DirectCheck::on_main()
{
    hear();
    siginfo_t info{};
    const auto pidfd = static_cast<id_t>(main_.fd.get());
    if (::waitid(static_cast<idtype_t>(P_PIDFD), pidfd, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == 0) return;
    kill_all(); // while its number is still its own
    ::waitid(static_cast<idtype_t>(P_PIDFD), pidfd, &info, WEXITED | WNOHANG);
    forget();
    output_.end();
    if (!failure_.empty()) return finish(failure_);
    const ExitInfo exit = info.si_pid == 0 ? ExitInfo{.kind = ExitInfo::Kind::Lost} : to_exit(info);
    finish(exit.kind == ExitInfo::Kind::Exited && exit.code == 0 ? "" : model::describe(exit));
}

/// It, and what it left in its process group, which pm-exec may not have made yet.
void DirectCheck::kill_all()
{
    if (pid_ <= 1) return;
    ::kill(-pid_, SIGKILL);
    send_signal(main_.fd, SIGKILL);
}

void DirectCheck::forget()
{
    main_.reset();
    if (pid_ != 0) launcher_.checks_.erase(std::exchange(pid_, 0));
}

/// What runs still is reaped by the launcher.
void DirectCheck::end()
{
    timer_.reset();
    talk_.end();
    kill_all();
    forget();
}

/// `how` it failed; empty: it did not. The call may destroy this.
void DirectCheck::finish(const std::string& how)
{
    end();
    output_.end();
    if (const auto done = std::exchange(done_, {})) done(how.empty() ? base::Result<void>() : check_failed(*request_.spec, how, output_.last_line()));
}

void DirectLauncher::Impl::end_checks(const std::string& why)
{
    while (!checks_.empty()) checks_.begin()->second->finish(why);
}

std::unique_ptr<engine::Check> DirectLauncher::check(engine::ProcessKey key, model::Duration timeout, engine::Checked done)
{
    const Generation* generation = impl_->find(key);
    if (generation == nullptr || impl_->paused_) return nullptr;
    auto check = std::make_unique<DirectCheck>(*impl_, generation->request, timeout, std::move(done));
    check->begin(*generation);
    return check;
}

} // namespace pm::launch
