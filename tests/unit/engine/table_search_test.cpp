// SPDX-License-Identifier: Apache-2.0
// Every world that one instance and a launcher can get into, whatever is delayed, repeated or too late.
#include "engine/step.hpp"

#include <deque>
#include <gtest/gtest.h>
#include <set>
#include <sstream>

namespace pm::engine {
namespace {

using namespace std::chrono_literals;
using model::ExitInfo;

const model::TimePoint kNow{1000s};

enum class Process { None, Launching, Live, Left };

struct World {
    Machine machine;
    Process process = Process::None;   ///< the truth, which the machine hears of later
    std::deque<Event> queue;           ///< answers on their way
    std::optional<Event> late;         ///< an answer that will come again, at a bad moment
    bool stop_wanted = false;
    bool waits = false;                ///< something it depends on is not there
    std::string fault;
};

base::Generation generation_of(const Event& event)
{
    return std::visit(
        []<typename E>(const E& at) {
            if constexpr (requires { at.generation; })
                return at.generation;
            else
                return base::Generation{0};
        },
        event);
}

/// A world as text, generations relative: worlds with equal keys have equal futures.
std::string key(const World& world)
{
    std::ostringstream text;
    const auto event = [&](const Event& at) {
        text << at.index() << (generation_of(at) == world.machine.generation ? "=" : "<");
        std::visit(
            [&]<typename E>(const E& answer) {
                if constexpr (requires { answer.exit; }) text << int(answer.exit.kind) << ',' << answer.exit.code;
            },
            at);
        text << ' ';
    };
    text << world.machine.state.index() << '/' << world.machine.history.unstable << '/'
         << world.machine.history.last_delay.count() << '/' << int(world.process) << '/' << world.stop_wanted << world.waits << ' ';
    if (const auto* at = std::get_if<Starting>(&world.machine.state)) text << int(at->cause);
    if (const auto* at = std::get_if<Online>(&world.machine.state)) text << int(at->cause);
    if (const auto* at = std::get_if<Stopping>(&world.machine.state)) {
        text << int(at->then) << int(at->cause) << std::min(at->kills, 2U) << at->ended.has_value();
        if (at->ended) text << int(at->ended->exit.kind) << at->ended->exit.code;
    }
    text << " q ";
    for (const Event& at : world.queue) event(at);
    text << " l ";
    if (world.late) event(*world.late);
    return text.str();
}

class Search {
public:
    explicit Search(model::RestartPolicy policy) : policy_(std::move(policy)) {}

    void run()
    {
        visit(World{});
        while (!open_.empty() && faults.empty()) {
            const World world = std::move(open_.front());
            open_.pop_front();
            check(world);
            for (World& next : successors(world)) visit(std::move(next));
        }
    }

    std::vector<std::string> faults;
    [[nodiscard]] std::size_t worlds() const { return seen_.size(); }

private:
    void visit(World world)
    {
        if (!world.fault.empty()) faults.push_back(world.fault + " in " + key(world));
        if (seen_.insert(key(world)).second) open_.push_back(std::move(world));
    }

    World feed(World world, const Event& event) const
    {
        if (std::holds_alternative<StopCommand>(event)) world.stop_wanted = true;
        if (std::holds_alternative<StartCommand>(event) || std::holds_alternative<RestartCommand>(event))
            world.stop_wanted = false;
        Transition after = step(world.machine, event, {kNow, policy_, 1600ms, world.waits ? "waits for db" : ""});
        world.machine = std::move(after.machine);
        switch (after.action) {
        case Action::Launch:
            if (world.process != Process::None) world.fault = "two processes";
            if (world.stop_wanted) world.fault = "launched against a stop";
            world.process = Process::Launching;
            break;
        case Action::Terminate:
        case Action::Kill:
        case Action::None: break;
        }
        return world;
    }

    World answer(World world, Process process, Event event) const
    {
        world.process = process;
        world.queue.push_back(std::move(event));
        return world;
    }

    [[nodiscard]] std::vector<World> successors(const World& world) const
    {
        std::vector<World> next;
        for (const Event& command : {Event{StartCommand{}}, Event{StopCommand{}}, Event{RestartCommand{}}})
            next.push_back(feed(world, command));
        if (deadline_of(world.machine.state)) next.push_back(feed(world, TimerFired{}));
        append_dependency(world, next);
        if (!world.queue.empty()) {
            World delivered = world;
            delivered.queue.pop_front();
            next.push_back(feed(delivered, world.queue.front()));
            delivered.late = world.queue.front(); // it will come a second time
            next.push_back(feed(delivered, world.queue.front()));
        }
        if (world.late) {
            World repeated = world;
            repeated.late.reset();
            next.push_back(feed(repeated, *world.late));
        }
        append_process_life(world, next);
        return next;
    }

    void append_dependency(const World& world, std::vector<World>& next) const
    {
        World other = world;
        other.waits = !world.waits;
        next.push_back(other);
        if (!world.waits) next.push_back(feed(world, DependenciesMet{}));
        next.push_back(feed(world, DependencyLost{"depends on db, which is errored"}));
    }

    void append_process_life(const World& world, std::vector<World>& next) const
    {
        const auto generation = world.machine.generation;
        const ExitInfo failed{.kind = ExitInfo::Kind::LaunchFailed, .code = 2, .detail = "no such file"};
        const ExitInfo crash{.kind = ExitInfo::Kind::Signaled, .code = 11};
        const ExitInfo done{.kind = ExitInfo::Kind::Exited, .code = 0};
        if (world.process == Process::Launching) {
            next.push_back(answer(world, Process::Live, Running{generation}));
            next.push_back(answer(world, Process::None, Gone{generation, failed}));
        }
        if (world.process == Process::Live) {
            for (const ExitInfo& exit : {crash, done}) {
                next.push_back(answer(world, Process::None, Gone{generation, exit}));
                next.push_back(answer(world, Process::Left, MainExited{generation, exit}));
            }
        }
        if (world.process == Process::Left) next.push_back(answer(world, Process::None, Gone{generation, crash}));
    }

    void check(const World& world)
    {
        const State& state = world.machine.state;
        const bool timed = std::holds_alternative<Starting>(state) || std::holds_alternative<Stopping>(state) ||
                           std::holds_alternative<Backoff>(state);
        if (deadline_of(state).has_value() != timed) faults.push_back("timer against the table: " + key(world));
        if (world.process != Process::None && !has_process(state)) faults.push_back("forgotten process: " + key(world));
        if (!settles(feed(world, StopCommand{}), [](const State& at) { return std::holds_alternative<Stopped>(at); }))
            faults.push_back("stop does not end: " + key(world));
        if (std::holds_alternative<Waiting>(state)) check_waiting(world);
        const auto rests = [](const State& at) { return !deadline_of(at).has_value(); };
        if (!settles(world, rests)) faults.push_back("stuck: " + key(world));
    }

    void check_waiting(World world)
    {
        world.waits = false;
        if (!std::holds_alternative<Starting>(feed(world, DependenciesMet{}).machine.state))
            faults.push_back("what it waited for is there, and it does not start: " + key(world));
        if (!std::holds_alternative<Errored>(feed(world, DependencyLost{"lost"}).machine.state))
            faults.push_back("waits for what does not come: " + key(world));
    }

    /// Plays a fair world from here: answers arrive, timers fire, what is killed dies.
    template <typename Wanted>
    [[nodiscard]] bool settles(World world, Wanted&& wanted) const
    {
        for (int turn = 0; turn < 60; ++turn) {
            if (!world.fault.empty()) return false;
            if (wanted(world.machine.state) && world.queue.empty() && world.process != Process::Launching)
                return has_process(world.machine.state) || world.process == Process::None;
            if (!world.queue.empty()) {
                const Event event = world.queue.front();
                world.queue.pop_front();
                world = feed(world, event);
            } else if (const auto* at = std::get_if<Stopping>(&world.machine.state); at && at->kills > 0) {
                world = answer(world, Process::None,
                               Gone{world.machine.generation, {.kind = ExitInfo::Kind::Signaled, .code = 9}});
            } else if (world.process == Process::Launching && !std::holds_alternative<Stopping>(world.machine.state)) {
                world = answer(world, Process::Live, Running{world.machine.generation});
            } else if (deadline_of(world.machine.state)) {
                world = feed(world, TimerFired{});
            } else {
                return false;
            }
        }
        return false;
    }

    model::RestartPolicy policy_;
    std::set<std::string> seen_;
    std::deque<World> open_;
};

struct Row {
    const char* name;
    model::RestartPolicy policy;
};

class TableSearch : public testing::TestWithParam<Row> {};

TEST_P(TableSearch, HasNoBadWorld)
{
    Search search(GetParam().policy);
    search.run();
    for (const std::string& fault : search.faults) ADD_FAILURE() << fault;
    EXPECT_GT(search.worlds(), 100U);
    RecordProperty("worlds", static_cast<int>(search.worlds()));
}

INSTANTIATE_TEST_SUITE_P(
    Policies, TableSearch,
    testing::Values(Row{"AtOnce", {.max_restarts = 3}}, Row{"Delayed", {.max_restarts = 3, .restart_delay = 10ms}},
                    Row{"NoLimit", {.max_restarts = 3, .min_uptime = 0ms}},
                    Row{"DoneCodes", {.max_restarts = 2, .stop_exit_codes = {0}}}, Row{"Once", {.autorestart = false}},
                    Row{"Never", {.max_restarts = 0}}),
    [](const auto& row) { return row.param.name; });

} // namespace
} // namespace pm::engine
