// SPDX-License-Identifier: Apache-2.0
#include "launch/systemd/checking.hpp"

#include "base/text.hpp"
#include "launch/process/orders.hpp"
#include "launch/process/sentences.hpp"
#include "launch/systemd/impl.hpp"
#include "launch/systemd/invitation.hpp"
#include "launch/systemd/transient.hpp"

#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <unistd.h>

namespace pm::launch {
namespace {

using model::ExitInfo;
using model::LaunchStage;

/// Should pmd be gone when its time is over, systemd ends it a little later.
constexpr model::Duration kGrace = std::chrono::seconds(2);

/// No name of an app's unit (model::parse_unit_name), and never that of an earlier pmd's.
std::string unit_name(const UnitProcess& checked, std::uint64_t number)
{
    const std::string stem = checked.unit.substr(0, checked.unit.rfind('.'));
    return fmt::format("{}-check-{}-{}.service", stem, ::getpid(), number);
}

} // namespace

UnitCheck::UnitCheck(SystemdLauncher::Impl& launcher, const UnitProcess& checked, model::Duration timeout, engine::Checked done)
    : launcher_(launcher), request_(check_request(checked.request)), timeout_(timeout), done_(std::move(done)), unit_(unit_name(checked, ++launcher.checks_made_))
{
    auto timer = launcher.loop_.add_timer(model::TimePoint::max(), io::Priority::Normal, [this, timeout] { // its time begins when it does
        finish(failure_.empty() ? "took longer than " + base::format_duration(timeout) : failure_);
    });
    if (timer) timer_ = *std::move(timer);
}

UnitCheck::~UnitCheck() { end(); }

void UnitCheck::begin(const UnitProcess& checked, model::Duration timeout)
{
    if (auto failure = start(checked, timeout)) {
        failure_ = failure->detail;
        timer_.set_time(std::chrono::steady_clock::now()); // not from inside the call that began it
    }
}

std::optional<ExitInfo> UnitCheck::start(const UnitProcess& checked, model::Duration timeout)
{
    const bool user = launcher_.options_.user;
    const auto account = launcher_.accounts_.find(user ? "" : request_.spec->user, user ? "" : request_.spec->group);
    if (!account) return account.error();
    const engine::ChannelEnds ends = check_ends(checked.pid);
    auto orders = make_orders(request_, {*account, false, false, launcher_.options_.path, std::nullopt, ends, true});
    if (!orders) return step_failed(LaunchStage::Wire, E2BIG, {});
    auto talk = make_socket_pair();
    auto invitation = make_socket_pair();
    const base::Fd output = output_.open(launcher_.loop_);
    if (!talk || !invitation || !output) return step_failed(LaunchStage::Resources, errno, {});
    if (const int error = invite(invitation->ours, talk->theirs, output, output)) return step_failed(LaunchStage::Resources, error, {});
    (void)talk_.begin(std::move(talk->ours), *std::move(orders), true);
    invitation_ = std::move(invitation->ours);
    auto watched = talk_.watch(launcher_.loop_, [this](std::uint32_t events) {
        if (talk_.ready(events)) hear();
    });
    if (!watched) return launch_failed(LaunchStage::Resources, ENOMEM, watched.error().message);

    BusMessage call = launcher_.bus_.manager_call("StartTransientUnit");
    if (!call) return launch_failed(LaunchStage::Resources, ENOTCONN, "no connection to systemd");
    const TransientService service{unit_, launcher_.options_.pm_exec, invitation->theirs.get(), checked.notify_socket, user};
    const int filled = describe_check(call.get(), request_, {service, checked.unit, timeout + kGrace});
    if (filled < 0) return launch_failed(LaunchStage::Resources, -filled, fmt::format("describing unit '{}': {}", unit_, std::strerror(-filled)));
    launcher_.checks_[unit_] = this;
    asked_ = true;
    // Its job lasts as long as the command: it is not counted among those that others have to wait for.
    launcher_.bus_.send(std::move(call), [this, alive = std::weak_ptr(alive_)](const ManagerBus::Answer& answer) {
        if (answer.ok() || alive.expired()) return;
        asked_ = false;
        finish(fmt::format("starting unit '{}': {}", unit_, answer.message));
    });
    return std::nullopt;
}

void UnitCheck::hear()
{
    Talk::Heard heard = talk_.read();
    if (heard == Talk::Heard::Hello) {
        invitation_.reset();
        timer_.set_time(std::chrono::steady_clock::now() + timeout_);
        heard = talk_.read();
    }
    if (heard == Talk::Heard::Failed) failure_ = talk_.failure().detail;
}

void UnitCheck::on_done(const std::string& result)
{
    hear();
    asked_ = false;
    output_.end();
    if (!failure_.empty()) return finish(failure_);
    if (result == "done") return finish("");
    finish(result == "failed" ? "failed" : result == "timeout" ? "took too long" : "was stopped by others");
}

void UnitCheck::end()
{
    timer_.reset();
    talk_.end();
    invitation_.reset();
    launcher_.checks_.erase(unit_);
    if (std::exchange(asked_, false)) launcher_.stop_unit(unit_);
}

/// `how` it failed; empty: it did not. The call may destroy this.
void UnitCheck::finish(const std::string& how)
{
    end();
    output_.end();
    if (const auto done = std::exchange(done_, {})) done(how.empty() ? base::Result<void>() : check_failed(*request_.spec, how, output_.last_line()));
}

bool SystemdLauncher::Impl::on_check_done(const std::string& unit, const std::string& result)
{
    const auto found = checks_.find(unit);
    if (found == checks_.end()) return false;
    found->second->on_done(result);
    return true;
}

std::unique_ptr<engine::Check> SystemdLauncher::check(engine::ProcessKey key, model::Duration timeout, engine::Checked done)
{
    const auto process = impl_->find(key);
    if (!process || impl_->paused_) return nullptr;
    auto check = std::make_unique<UnitCheck>(*impl_, *process, timeout, std::move(done));
    check->begin(*process, timeout);
    return check;
}

} // namespace pm::launch
