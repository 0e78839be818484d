// SPDX-License-Identifier: Apache-2.0
// A machine without a machine: processes that live in a table, a clock that moves when told, timers that fire in order.
#pragma once

#include "engine/supervisor.hpp"

#include <algorithm>
#include <cerrno>
#include <deque>
#include <functional>
#include <gtest/gtest.h>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace pm::engine::testing {

class FakeWorld final : public Launcher, public Sockets, public Timers, public Clock, public Events {
public:
    struct Process {
        std::string app;
        bool main_alive = true;
        bool running = false;
        std::shared_ptr<const model::AppSpec> spec;
    };

    // What the processes are like
    std::set<std::string> stubborn;  ///< apps that ignore kill_signal
    std::set<std::string> immortal;  ///< apps that survive SIGKILL
    std::set<std::string> unstartable;
    model::ExitInfo failure{.kind = model::ExitInfo::Kind::LaunchFailed, .code = EACCES, .detail = "no such file"}; ///< of those
    bool beside = false;             ///< reloads: old and new processes of an instance may be there at once
    bool answers = true;             ///< false: nothing is answered until somebody says so

    std::map<ProcessKey, Process> alive;
    std::vector<std::string> log;    ///< "launch web/0.1", "event exit web/0.1", ...
    std::vector<ProcessEvent> events;
    std::deque<std::function<void()>> answers_due;
    model::TimePoint time{std::chrono::seconds(1000)};
    std::multimap<model::TimePoint, base::InstanceId> timers;
    std::set<std::string> apps; ///< as told by app_added and app_removed
    std::set<base::InstanceId> forgotten;
    bool inside = false;        ///< a port is being called

    /// Processes that can be told to go, and say nothing by themselves.
    struct Talk final : Channels {
        explicit Talk(const bool& told) : dismissable(told) {}
        bool dismiss(ProcessKey) override { return dismissable; }
        const bool& dismissable;
    };
    bool dismissable = false;
    Talk channels{dismissable};
    Supervisor supervisor{*this, *this, channels, *this, *this, *this, Limits{.cpus = 4}};

    static std::string text(ProcessKey key)
    {
        return std::to_string(key.id.value) + "." + std::to_string(key.generation.value);
    }

    std::vector<LaunchRequest> adopted;
    void adopt(const LaunchRequest& request) override { adopted.push_back(request); }
    void launch(const LaunchRequest& request) override
    {
        for (const auto& [key, process] : alive)
            if (key.id == request.key.id && !beside) ADD_FAILURE() << "two processes of instance " << key.id.value;
        const std::string& app = request.spec->name;
        log.push_back("launch " + app + "/" + text(request.key));
        alive[request.key] = {.app = app, .spec = request.spec};
        if (!answers) return;
        answers_due.emplace_back([this, key = request.key] {
            if (alive.contains(key)) supervisor.on_launching(key);
        });
        if (!request.spec->listen.empty() && !descriptors(request))
            return gone_later(request.key, {.kind = model::ExitInfo::Kind::LaunchFailed, .code = 98,
                                            .stage = model::LaunchStage::Listen, .detail = "busy"});
        if (unstartable.contains(app))
            gone_later(request.key, failure);
        else
            run_later(request.key);
    }
    void terminate(ProcessKey key, int signal) override
    {
        log.push_back("signal " + std::to_string(signal) + " " + text(key));
        const auto found = alive.find(key);
        if (found == alive.end()) return;
        if (answers && !stubborn.contains(found->second.app) && !immortal.contains(found->second.app))
            gone_later(key, {.kind = model::ExitInfo::Kind::Signaled, .code = signal});
    }
    void forget(base::InstanceId id, const std::string&, bool) override
    {
        for (const auto& [key, process] : alive)
            if (key.id == id) ADD_FAILURE() << "instance " << id.value << " is forgotten while it has a process";
        forgotten.insert(id);
    }
    void kill(ProcessKey key) override
    {
        log.push_back("kill " + text(key));
        const auto found = alive.find(key);
        if (found != alive.end() && !immortal.contains(found->second.app))
            gone_later(key, {.kind = model::ExitInfo::Kind::Signaled, .code = SIGKILL});
    }
    base::Result<void> signal(ProcessKey key, int) override
    {
        if (!alive.contains(key)) return base::fail(base::ErrorCode::NotOnline, "gone");
        return {};
    }
    std::optional<model::Usage> usage(ProcessKey) override { return std::nullopt; }
    base::Result<std::vector<std::string>> environment(ProcessKey) override { return std::vector<std::string>{}; }

    // Sockets by app: "8000"; a port that is busy cannot be had
    std::map<std::string, std::set<std::uint16_t>> held;
    std::set<std::uint16_t> busy;
    base::Result<void> hold(const model::AppSpec& spec, uid_t) override
    {
        for (const model::ListenAddress& address : spec.listen)
            if (busy.contains(address.port)) return base::fail(base::ErrorCode::ListenFailed, "busy");
        for (const model::ListenAddress& address : spec.listen)
            if (held[spec.name].insert(address.port).second) log.push_back("open " + std::to_string(address.port));
        return {};
    }
    void keep_only(const std::string& app, std::span<const model::ListenAddress> needed) override
    {
        std::erase_if(held[app], [&](std::uint16_t port) {
            const bool closes = std::ranges::none_of(needed, [&](const model::ListenAddress& one) { return one.port == port; });
            if (closes) log.push_back("close " + std::to_string(port));
            return closes;
        });
        if (held[app].empty()) held.erase(app);
    }
    void resume(const model::AppSpec& spec, uid_t owner) override
    {
        log.push_back("resume " + spec.name);
        (void)hold(spec, owner);
    }
    base::Result<std::vector<int>> descriptors(const LaunchRequest& request) override
    {
        if (auto held_now = hold(*request.spec, request.owner); !held_now) return tl::unexpected(held_now.error());
        return std::vector<int>(request.spec->listen.size(), 0);
    }

    std::vector<Adjustment> adjustments;
    void adjust(const Adjustment& adjustment) override
    {
        for (const ProcessKey key : adjustment.processes) {
            EXPECT_TRUE(alive.contains(key)) << text(key);
            log.push_back("adjust " + adjustment.spec->name + "/" + text(key));
        }
        adjustments.push_back(adjustment);
    }
    [[nodiscard]] std::string not_enforced(const model::AppSpec&) const override { return {}; }

    void arm(base::InstanceId id, model::TimePoint when) override
    {
        disarm(id);
        timers.emplace(when, id);
    }
    void disarm(base::InstanceId id) override
    {
        std::erase_if(timers, [&](const auto& timer) { return timer.second == id; });
    }
    [[nodiscard]] model::TimePoint now() const override { return time; }
    [[nodiscard]] model::WallTime wall() const override { return model::WallTime(time.time_since_epoch()); }

    void process_event(const ProcessEvent& event) override
    {
        log.push_back("event " + std::string(to_string(event.kind)) + " " + event.app + "/" +
                      text({event.id, event.generation}));
        events.push_back(event);
    }
    void app_added(const std::string& app) override { EXPECT_TRUE(apps.insert(app).second) << app; }
    void app_removed(const std::string& app) override { EXPECT_EQ(apps.erase(app), 1U) << app; }
    void message(const ProcessMessage& message) override
    {
        log.push_back("message " + message.app + "/" + std::to_string(message.id.value) + " " + message.json);
    }
    void app_changed(const std::string& app) override { EXPECT_TRUE(apps.contains(app)) << app; }

    // Driving it

    void run_later(ProcessKey key)
    {
        answers_due.emplace_back([this, key] {
            const auto found = alive.find(key);
            if (found == alive.end()) return;
            found->second.running = true;
            supervisor.on_running(key, static_cast<pid_t>(100 + key.id.value));
        });
    }
    void gone_later(ProcessKey key, const model::ExitInfo& exit)
    {
        answers_due.emplace_back([this, key, exit] {
            if (alive.erase(key) == 1) supervisor.on_gone(key, exit);
        });
    }
    void deliver()
    {
        while (!answers_due.empty()) deliver_one();
    }
    void deliver_one()
    {
        const auto next = std::move(answers_due.front());
        answers_due.pop_front();
        next();
    }
    /// Time passes: timers fire when they are due, answers arrive at once.
    void advance(model::Duration span)
    {
        const model::TimePoint end = time + span;
        deliver();
        while (!timers.empty() && timers.begin()->first <= end) {
            fire();
            deliver();
        }
        time = end;
    }
    void fire()
    {
        const auto [when, id] = *timers.begin();
        timers.erase(timers.begin());
        time = std::max(time, when);
        supervisor.on_timer(id);
    }
    /// The process of instance `id` ends by itself.
    void exit(std::uint32_t id, int code) { end(id, {.kind = model::ExitInfo::Kind::Exited, .code = code}); }
    void crash(std::uint32_t id, int signal) { end(id, {.kind = model::ExitInfo::Kind::Signaled, .code = signal}); }
    void end(std::uint32_t id, const model::ExitInfo& exit)
    {
        const auto found = alive.lower_bound({base::InstanceId{id}, base::Generation{0}});
        ASSERT_TRUE(found != alive.end() && found->first.id.value == id) << "instance " << id << " has no process";
        gone_later(found->first, exit);
        deliver();
    }
    [[nodiscard]] model::InstanceSnapshot instance(const std::string& app, std::size_t at = 0) const
    {
        const auto snapshot = supervisor.snapshot(app);
        if (!snapshot || snapshot->instances.size() <= at) {
            ADD_FAILURE() << "no instance " << at << " of " << app;
            return {};
        }
        return snapshot->instances[at];
    }
    [[nodiscard]] std::string status(const std::string& app, std::size_t at = 0) const
    {
        return std::string(model::to_string(instance(app, at).status));
    }
};

/// What a command's Done was told, as text: "pending", "ok", or "<name> <code>" per failure.
class Answer {
public:
    [[nodiscard]] Done done()
    {
        return [state = state_](const Outcome& outcome) {
            EXPECT_EQ(state->calls++, 0) << "Done called twice";
            state->outcome = outcome;
        };
    }
    [[nodiscard]] const Outcome& outcome() const { return state_->outcome; }
    [[nodiscard]] bool ended() const { return state_->calls > 0; }
    [[nodiscard]] std::string text() const
    {
        if (!ended()) return "pending";
        std::string text;
        for (const auto& failure : state_->outcome.failures) {
            const auto name = base::dbus_name(failure.error.code);
            text += (text.empty() ? "" : ", ") + std::string(name.substr(name.rfind('.') + 1));
        }
        return text.empty() ? "ok" : text;
    }

private:
    struct State {
        int calls = 0;
        Outcome outcome;
    };
    std::shared_ptr<State> state_ = std::make_shared<State>();
};

inline model::AppSpec app(std::string name, int instances = 1)
{
    model::AppSpec spec;
    spec.name = std::move(name);
    spec.script = "sleep";
    spec.instances.number = instances;
    return spec;
}

} // namespace pm::engine::testing
