// SPDX-License-Identifier: Apache-2.0
// An upgrade: the binary that is installed now is executed in place of this one, in the same process, which keeps the
// children and the open descriptors.
//
// The new one is tried first, as its failure would take all apps along. Then what cannot be handed over is waited for:
// launches, connections on their way to a worker, a bind that is to be answered; meanwhile nothing new of these begins.
#include "daemon/daemon.hpp"

#include "daemon/state_text.hpp"
#include "pmd-config.h"

#include <cerrno>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>
#include <utility>

namespace pm::daemon {
namespace {

constexpr model::Milliseconds kBetweenLooks{3};
/// Commands that have not ended are waited for so long; who waits longer is told so.
constexpr model::Milliseconds kForCommands{3'000};
/// A launch takes milliseconds.
constexpr model::Milliseconds kForLaunches{10'000};
/// Processes that do not answer have only themselves to blame.
constexpr model::Milliseconds kForChannels{2'000};

constexpr const char* kRefusal = "pmd is being upgraded: what was asked for may be done or half done; look with 'pmctl list', and "
                                 "ask again if need be";

void set_close_on_exec(const std::vector<int>& descriptors, bool on)
{
    for (const int fd : descriptors) ::fcntl(fd, F_SETFD, on ? FD_CLOEXEC : 0);
}

/// Returns only if it fails: errno.
int execute(const Invocation& invocation, const Handover& handover, const base::Fd& memory)
{
    std::vector<std::string> environment = invocation.environment;
    environment.push_back(std::string(kHandoverVariable) + std::to_string(memory.get()));
    std::vector<int> descriptors = handover.descriptors();
    descriptors.push_back(memory.get());
    set_close_on_exec(descriptors, false);
    ::execve(invocation.program.c_str(), pointers_to(invocation.arguments).data(), pointers_to(environment).data());
    const int error = errno;
    set_close_on_exec(descriptors, true);
    return error;
}

} // namespace

void Daemon::upgrade(UpgradeDone done)
{
    if (ending_) return done(base::fail(base::ErrorCode::Unavailable, "pmd is shutting down"));
    if (upgrade_) return done(base::fail(base::ErrorCode::Busy, "an upgrade is under way already"));
    const auto memory = to_memory(handover());
    if (!memory) return done(tl::unexpected(memory.error()));
    auto trial = Trial::start(loop_, runtime_.invocation, *memory, [this](const base::Result<void>& tried) { on_tried(tried); });
    if (!trial) return done(tl::unexpected(trial.error()));
    upgrade_.emplace();
    upgrade_->done = std::move(done);
    upgrade_->trial = *std::move(trial);
}

void Daemon::on_tried(const base::Result<void>& tried)
{
    if (!tried) return fail_upgrade(tried.error());
    upgrade_->trial.reset();
    upgrade_->since = clock_.now();
    auto timer = loop_.add_timer(clock_.now(), io::Priority::Normal, [this] { await_rest(); });
    if (!timer) return fail_upgrade(timer.error());
    upgrade_->timer = *std::move(timer);
}

/// Called again and again until there is nothing that cannot be handed over.
void Daemon::await_rest()
{
    const auto now = clock_.now();
    if (ending_) return fail_upgrade({base::ErrorCode::Unavailable, "pmd is shutting down"});
    upgrade_->timer.set_time(now + kBetweenLooks);
    if (!upgrade_->paused) {
        const bool commands = quota_.pending() > 1; // beside the one that asked for this
        if (commands && now - upgrade_->since < kForCommands) return;
        upgrade_->paused = true;
        upgrade_->since = now;
        launcher_->pause();
        node_.pause();
    }
    const bool quiet = node_.at_rest() && bind_broker_.at_rest();
    if (!quiet && now - upgrade_->since < kForChannels) return;
    if (launcher_->at_rest()) return hand_over();
    if (now - upgrade_->since < kForLaunches) return;
    fail_upgrade({base::ErrorCode::Busy, "a process is in the middle of its launch and does not come to the end of it; try again"});
}

void Daemon::fail_upgrade(base::Error error)
{
    const Upgrade failed = *std::exchange(upgrade_, std::nullopt);
    log_.write(io::Severity::Warning, "the upgrade did not happen: " + error.message, io::Message::UpgradeFailed);
    if (failed.paused) launcher_->go_on();
    if (failed.paused) node_.go_on();
    if (failed.done) failed.done(tl::unexpected(std::move(error)));
}

void Daemon::hand_over()
{
    logs_.catch_up();
    bind_broker_.answer_all();
    quiet_end_.let_go();
    node_.save();
    state_.flush();
    publisher_.flush();
    if (fd_store_) fd_store_->flush();
    const Handover left = handover();
    const auto memory = to_memory(left);
    if (!memory) return fail_upgrade(memory.error());
    log_.write(io::Severity::Notice, fmt::format("upgrading: executing '{}'; {} apps run on", runtime_.invocation.program, supervisor_.app_count()),
               io::Message::Upgrading);
    std::exchange(upgrade_->done, nullptr)({});
    quota_.refuse_all({base::ErrorCode::Unavailable, kRefusal});
    service_.reset(); // flushes what is queued for clients
    const int error = execute(runtime_.invocation, left, *memory);
    fail_upgrade(base::fail_errno(fmt::format("executing '{}'", runtime_.invocation.program), error).value());
    if (auto opened = open_bus(); !opened) bus_lost(opened.error().message);
}

Handover Daemon::handover() const
{
    Handover left;
    left.whereabouts = whereabouts(runtime_);
    for (const model::AppSnapshot& app : supervisor_.snapshots())
        if (const auto saved = supervisor_.saved(app.name)) left.apps.push_back(to_text(*saved));
    left.launcher = launcher_->state();
    left.begun_lines = logs_.begun_lines();
    left.pipes = kept_fds_.pipes();
    left.sockets = kept_fds_.sockets();
    left.lock = runtime_.lock;
    left.state_lock = runtime_.state_lock;
    left.nofile = runtime_.nofile;
    if (embedded_) left.bus_daemon = embedded_->pidfd();
    if (embedded_) left.bus_pid = embedded_->pid();
    return left;
}

std::vector<engine::SavedApp> Daemon::earlier_apps()
{
    std::vector<engine::SavedApp> apps;
    bool all_read = true;
    for (const std::string& text : runtime_.earlier->apps) {
        auto app = saved_app_from(text);
        all_read = all_read && app;
        if (app)
            apps.push_back(*std::move(app));
        else
            log_.error(fmt::format("cannot go on with an app: {}; its processes run on unsupervised", app.error().message));
    }
    if (all_read && launcher_->apps_outlive_us()) launcher_->end_unclaimed(); // children are known by the handover itself
    return apps;
}

} // namespace pm::daemon
