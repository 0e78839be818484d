// SPDX-License-Identifier: Apache-2.0
#include "cli/daemon_calls.hpp"

#include "cli/interrupt.hpp"
#include "cli/silent_daemon.hpp"

#include <algorithm>
#include <array>
#include <numeric>
#include <poll.h>

namespace pm::cli {
namespace {

constexpr std::size_t kMostAtOnce = 64; ///< calls; pmd allows max_calls_per_caller, 256 by default

} // namespace

Failure DaemonCalls::failure_from(const sdbus::Error& error)
{
    if (means_no_answer(error.getName())) return silent_daemon(bus, pid_of_daemon(*connection, name));
    return failure_of(error.getName(), error.getMessage(), bus);
}

Properties DaemonCalls::properties(const std::string& path, const char* interface)
{
    const auto object = dbus::make_proxy(*connection, name, path);
    Properties all;
    object->callMethod("GetAll").onInterface(kProperties).withArguments(interface).storeResultsTo(all);
    return all;
}

std::optional<std::string> DaemonCalls::whole_spec(const std::string& path)
{
    const Questions::None no_questions(questions);
    try {
        std::string spec;
        const auto object = dbus::make_proxy(*connection, name, path);
        object->callMethod("GetSpec").onInterface(kApp).storeResultsTo(spec);
        return spec;
    } catch (const sdbus::Error&) {
        return std::nullopt;
    }
}

Outcome<void> DaemonCalls::wait(const bool& done, Watcher* watcher)
{
    const Interrupt interrupt;
    auto next_tick = std::chrono::steady_clock::now() + std::chrono::seconds(1);
    while (!done) {
        if (dbus::process_one(*connection)) continue;
        const auto poll_data = connection->getEventLoopPollData();
        std::array<pollfd, 2> fds{pollfd{poll_data.fd, poll_data.events, 0}, pollfd{interrupt.fd(), POLLIN, 0}};
        poll(fds.data(), fds.size(), watcher != nullptr ? 100 : poll_data.getPollTimeout());
        if ((fds[1].revents & POLLIN) != 0) return failed(kInterrupted, "");
        if (watcher == nullptr || std::chrono::steady_clock::now() < next_tick) continue;
        next_tick += std::chrono::seconds(1);
        watcher->on_tick();
    }
    return {};
}

std::unique_ptr<sdbus::IProxy> DaemonCalls::listen(Watcher& watcher)
{
    auto events = dbus::make_proxy(*connection, name, kPath);
    events->uponSignal("ProcessEvent")
        .onInterface(kManager)
        .call([&watcher](const std::string& event, const std::string& app, const std::uint32_t& id,
                         const Properties&) { watcher.on_event(event, app, id); });
    dbus::finish(*events);
    return events;
}

bool DaemonCalls::may_ask_for(const Failure& failure) const noexcept
{
    // Busy: of calls that polkit is asked about at once, pmd takes only so many.
    const bool may_help = failure.code == base::ErrorCode::NotAuthorized || failure.code == base::ErrorCode::Busy;
    return questions.allowed() && may_help;
}

void DaemonCalls::prepare_to_ask(Watcher* watcher)
{
    if (watcher != nullptr) watcher->on_question();
    questions.expect();
}

Outcome<DaemonCalls::Ends> DaemonCalls::wait_for_all(const std::string& method, const std::vector<std::string>& targets, Watcher* watcher)
{
    Ends ends(targets.size());
    std::vector<std::size_t> which(targets.size());
    std::iota(which.begin(), which.end(), 0U);
    {
        const Questions::None no_questions(questions);
        if (auto called = call_each(method, targets, which, kMostAtOnce, watcher, ends); !called)
            return failed(called.error());
    }
    std::erase_if(which, [&](std::size_t at) { return ends[at] || !may_ask_for(ends[at].error()); });
    if (which.empty()) return ends;
    prepare_to_ask(watcher);
    if (auto called = call_each(method, targets, which, 1, watcher, ends); !called) return failed(called.error());
    return ends;
}

Outcome<void> DaemonCalls::call_each(const std::string& method, const std::vector<std::string>& targets,
                        const std::vector<std::size_t>& which, std::size_t at_once, Watcher* watcher, Ends& ends)
{
    std::vector<sdbus::PendingAsyncCall> calls;
    std::size_t answered = 0;
    bool heard = false;
    const auto send = [&](std::size_t at) {
        auto call = std::move(proxy->callMethodAsync(method).onInterface(kManager).withTimeout(kNoTimeout).withArguments(targets[at], Properties{}));
        calls.push_back(
            call.uponReplyInvoke([&, at](dbus::ReplyError error, const std::vector<sdbus::ObjectPath>&) {
                ends[at] = error ? failed(failure_from(*error)) : Outcome<void>{};
                ++answered;
                heard = true;
            }));
    };
    try {
        const auto events = watcher != nullptr ? listen(*watcher) : nullptr;
        while (answered < which.size()) {
            while (calls.size() < std::min(which.size(), answered + at_once))
                send(which[calls.size()]);
            heard = false;
            if (auto waited = wait(heard, watcher); !waited) {
                for (sdbus::PendingAsyncCall& call : calls) call.cancel();
                return failed(waited.error());
            }
        }
    } catch (const sdbus::Error& error) {
        for (sdbus::PendingAsyncCall& call : calls) call.cancel();
        return failed(failure_from(error));
    }
    return {};
}

} // namespace pm::cli
