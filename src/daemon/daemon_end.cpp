// SPDX-License-Identifier: Apache-2.0
// The end of pmd: with its apps, or without them where they outlive it.
#include "daemon/daemon.hpp"

#include "channel/kept_bytes.hpp"

#include <cstdlib>
#include <fmt/format.h>
#include <systemd/sd-daemon.h>
#include <utility>

namespace pm::daemon {
namespace {

/// After SIGKILL to everything: how long to wait for the kernel to be done with it.
constexpr model::Milliseconds kAfterKill{3'000};
/// For the launcher to leave nothing behind.
constexpr model::Milliseconds kSettling{2'000};
/// The name in the fd store of what is left of begun lines.
constexpr const char* kBegunLines = "log-begun-lines";

} // namespace

void Daemon::shut_down(engine::Done done, const char* why)
{
    enders_.push_back(std::move(done));
    if (std::exchange(ending_, true)) return;
    log_.write(io::Severity::Notice, fmt::format("ending ({}): stopping {} apps", why, supervisor_.app_count()),
               io::Message::Ending);
    sd_notify(0, "STOPPING=1\nSTATUS=stopping all apps");
    if (auto timer = loop_.add_timer(clock_.now() + runtime_.settings.stop_timeout, io::Priority::Normal,
                                     [this] { kill_what_is_left(); }))
        give_up_ = std::move(*timer);
    supervisor_.shut_down([this](const engine::Outcome&) { finish(); });
}

void Daemon::leave()
{
    log_.notice(fmt::format("ending (told to by a signal); {} apps run on", supervisor_.app_count()));
    sd_notify(0, "STOPPING=1");
    leave_begun_lines();
    if (fd_store_) fd_store_->flush();
    loop_.exit(EXIT_SUCCESS);
}

void Daemon::leave_begun_lines()
{
    const auto lines = logs_.begun_lines();
    if (!fd_store_ || !fd_store_->is_there()) return logs_.flush();
    if (lines.empty()) return;
    if (channel::KeptBytes(kept_fds_, kBegunLines).write(to_bytes(lines)) == 0) return kept_fds_.settle();
    kept_fds_.discard(kBegunLines);
    logs_.flush();
}

void Daemon::recover_begun_lines()
{
    const std::string bytes = channel::KeptBytes(kept_fds_, kBegunLines).read();
    if (bytes.empty()) return;
    kept_fds_.discard(kBegunLines);
    if (auto lines = begun_lines_from(bytes)) logs_.go_on_with(*std::move(lines));
}

void Daemon::on_end_signal()
{
    if (!ending_ && launcher_->apps_outlive_us()) return leave();
    if (!ending_) return shut_down([](const engine::Outcome&) {}, "told to by a signal");
    log_.notice("told to end again: killing what is left");
    kill_what_is_left();
}

void Daemon::kill_what_is_left()
{
    for (const model::AppSnapshot& app : supervisor_.snapshots())
        for (const model::InstanceSnapshot& instance : app.instances)
            if (instance.status == model::Status::Stopping || instance.pid != 0)
                launcher_->kill({instance.id, instance.generation});
    if (auto timer = loop_.add_timer(clock_.now() + kAfterKill, io::Priority::Normal, [this] {
            log_.error("something survived SIGKILL; ending without it");
            finish();
        }))
        give_up_ = std::move(*timer);
}

void Daemon::finish()
{
    state_.clear();
    const auto end = [this] {
        logs_.flush();
        for (const engine::Done& done : std::exchange(enders_, {})) done({});
        loop_.exit(status_);
    };
    if (auto timer = loop_.add_timer(clock_.now() + kSettling, io::Priority::Normal, end)) give_up_ = std::move(*timer);
    launcher_->settle(end);
}

} // namespace pm::daemon
