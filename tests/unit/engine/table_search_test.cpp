// SPDX-License-Identifier: Apache-2.0
// Every world that one instance and a launcher can get into, whatever is delayed, repeated or too late.
#include "engine/step.hpp"

#include <algorithm>
#include <deque>
#include <gtest/gtest.h>
#include <map>
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
    std::map<base::Generation, Process> processes; ///< the truth, which the machine hears of later
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

/// The generations that anybody in the world knows of, in order.
std::vector<base::Generation> known(const World& world)
{
    std::set<base::Generation> all{world.machine.generation};
    if (world.machine.successor) all.insert(world.machine.successor->generation);
    for (const Leaver& leaver : world.machine.leavers) all.insert(leaver.generation);
    for (const auto& [generation, process] : world.processes) all.insert(generation);
    for (const Event& event : world.queue) all.insert(generation_of(event));
    if (world.late) all.insert(generation_of(*world.late));
    return {all.begin(), all.end()};
}

void write(std::ostream& text, const Starting& at) { text << int(at.cause) << at.begun << at.running << at.told << at.must_tell; }
void write(std::ostream& text, const Stopping& at)
{
    text << int(at.then) << int(at.cause) << std::min(at.kills, 2U) << at.ended.has_value() << at.asked << at.blame.has_value();
    if (at.ended) text << int(at.ended->exit.kind) << at.ended->exit.code;
}

/// A world as text, generations relative: worlds with equal keys have equal futures.
std::string key(const World& world)
{
    std::ostringstream text;
    const Machine& machine = world.machine;
    const auto generations = known(world);
    const auto rank = [&](base::Generation generation) { return std::ranges::find(generations, generation) - generations.begin(); };
    text << rank(machine.generation) << ' ';
    const auto event = [&](const Event& at) {
        text << at.index() << '@' << rank(generation_of(at)) << ' ';
        std::visit(
            [&]<typename E>(const E& answer) {
                if constexpr (requires { answer.exit; }) text << int(answer.exit.kind) << ',' << answer.exit.code;
            },
            at);
        text << ' ';
    };
    text << machine.state.index() << '/' << machine.history.unstable << '/' << machine.history.last_delay.count() << '/' << world.stop_wanted
         << world.waits << ' ';
    for (const auto& [generation, process] : world.processes) text << rank(generation) << ':' << int(process) << ' ';
    if (const auto* at = std::get_if<Starting>(&machine.state)) write(text, *at);
    if (const auto* at = std::get_if<Online>(&machine.state)) text << int(at->cause);
    if (const auto* at = std::get_if<Stopping>(&machine.state)) write(text, *at);
    text << " s ";
    if (machine.successor) write(text << rank(machine.successor->generation) << ' ', machine.successor->starting);
    for (const Leaver& leaver : machine.leavers) write(text << " l" << rank(leaver.generation) << ' ', leaver.stopping);
    text << " q ";
    for (const Event& at : world.queue) event(at);
    text << " l ";
    if (world.late) event(*world.late);
    return text.str();
}

class Search {
public:
    Search(model::RestartPolicy policy, bool reloads, policy::Readiness readiness, model::Milliseconds drain)
        : policy_(std::move(policy)), reloads_(reloads), readiness_(readiness), drain_(drain)
    {
    }

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
        if (std::holds_alternative<StartCommand>(event) || std::holds_alternative<RestartCommand>(event) || std::holds_alternative<ReloadCommand>(event))
            world.stop_wanted = false;
        Circumstances now{kNow, policy_, terms(world.machine.generation)};
        if (world.machine.successor) now.successor = terms(world.machine.successor->generation);
        if (world.waits) now.waits = "waits for db";
        Transition after = step(world.machine, event, now);
        if (const std::string fault = of_ends(world.machine, after); !fault.empty()) world.fault = fault;
        world.machine = std::move(after.machine);
        if (after.action == Action::Launch) launch(world, world.machine.generation);
        for (const SideAction& side : after.side)
            if (side.action == Action::Launch) launch(world, side.generation);
        const auto current = world.processes.find(world.machine.generation);
        if (after.replaced && current != world.processes.end() && current->second == Process::Launching) world.fault = "replaced by what does not run";
        return world;
    }

    /// Each process has a kill_timeout of its own.
    static model::Milliseconds kill_timeout(base::Generation generation) { return 1600ms + model::Milliseconds(generation.value); }
    [[nodiscard]] Terms terms(base::Generation generation) const { return {kill_timeout(generation), drain_, readiness_, readiness_}; }

    static std::map<base::Generation, Stopping> ends(const Machine& machine)
    {
        std::map<base::Generation, Stopping> all;
        if (const auto* at = std::get_if<Stopping>(&machine.state)) all[machine.generation] = *at;
        for (const Leaver& leaver : machine.leavers) all[leaver.generation] = leaver.stopping;
        return all;
    }

    /// What holds for every process that ends, the current one or another; empty: all of it.
    static std::string of_ends(const Machine& before, const Transition& after)
    {
        auto was = ends(before);
        for (const auto& [generation, is] : ends(after.machine)) {
            const std::uint32_t kills = was.contains(generation) ? was[generation].kills : 0;
            const Action action = action_on(after, generation);
            if (is.kill_timeout != kill_timeout(generation)) return "the kill_timeout of another process";
            if ((is.kills > kills) != (action == Action::Kill)) return "a SIGKILL that is not counted";
            if (is.kills > std::max(kills, 1U) && (!after.survivor || after.survivor->generation != generation)) return "nobody hears of a survivor";
            if (was.contains(generation) && was[generation].asked && !is.asked && action != Action::Terminate) return "time is over, and no signal";
            if (!was.contains(generation) && action == Action::None) return "an end that nobody is told of";
        }
        return {};
    }
    static Action action_on(const Transition& after, base::Generation generation)
    {
        if (generation == after.machine.generation) return after.action;
        const auto found = std::ranges::find(after.side, generation, &SideAction::generation);
        return found == after.side.end() ? Action::None : found->action;
    }

    static void launch(World& world, base::Generation generation)
    {
        const bool beside = world.machine.successor && world.machine.successor->generation == generation;
        for (const auto& [other, process] : world.processes)
            if (!knows(world.machine, other) || (!beside && !leaves(world.machine, other))) world.fault = "two processes";
        if (world.stop_wanted) world.fault = "launched against a stop";
        if (!world.processes.emplace(generation, Process::Launching).second) world.fault = "a generation twice";
    }

    static bool has_others(const World& world)
    {
        return world.processes.size() > 1 || world.machine.successor || !world.machine.leavers.empty();
    }

    static bool leaves(const Machine& machine, base::Generation generation)
    {
        return std::ranges::any_of(machine.leavers, [&](const Leaver& leaver) { return leaver.generation == generation; });
    }

    static bool knows(const Machine& machine, base::Generation generation)
    {
        return (generation == machine.generation && has_process(machine.state)) || leaves(machine, generation) ||
               (machine.successor && machine.successor->generation == generation);
    }

    World answer(World world, base::Generation generation, Process process, Event event) const
    {
        if (process == Process::None)
            world.processes.erase(generation);
        else
            world.processes[generation] = process;
        world.queue.push_back(std::move(event));
        return world;
    }

    /// The timer of one of the processes, as if all others were later.
    void append_timers(const World& world, std::vector<World>& next) const
    {
        const std::size_t count = 2 + world.machine.leavers.size();
        for (std::size_t who = 0; who < count; ++who) {
            World timed = world;
            bool there = false;
            std::size_t at = 0;
            const auto set = [&](model::TimePoint& deadline) {
                deadline = at == who ? kNow : kNow + 1h;
                there |= at == who;
            };
            std::visit([&]<typename S>(S& state) { if constexpr (requires { state.deadline; }) set(state.deadline); }, timed.machine.state);
            at = 1;
            if (timed.machine.successor) set(timed.machine.successor->starting.deadline);
            for (Leaver& leaver : timed.machine.leavers) ++at, set(leaver.stopping.deadline);
            if (there) next.push_back(feed(timed, TimerFired{}));
        }
    }

    [[nodiscard]] std::vector<World> successors(const World& world) const
    {
        std::vector<World> next;
        for (const Event& command : {Event{StartCommand{}}, Event{StopCommand{}}, Event{RestartCommand{}}})
            next.push_back(feed(world, command));
        if (drain_ > 0ms) next.push_back(feed(world, StopCommand{.gently = true}));
        if (reloads_ && world.processes.size() < 2 && world.queue.empty() && world.machine.leavers.empty() && !world.late) next.push_back(feed(world, ReloadCommand{}));
        if (world.machine.successor) next.push_back(feed(world, DropSuccessor{"dropped"}));
        append_timers(world, next);
        append_dependency(world, next);
        if (!world.queue.empty()) {
            World delivered = world;
            delivered.queue.pop_front();
            next.push_back(feed(delivered, world.queue.front()));
            if (!has_others(world)) {
                delivered.late = world.queue.front(); // it will come a second time
                next.push_back(feed(delivered, world.queue.front()));
            }
        }
        if (world.late) {
            World repeated = world;
            repeated.late.reset();
            next.push_back(feed(repeated, *world.late));
        }
        if (world.queue.size() < (has_others(world) ? 1U : 3U))
            for (const auto& [generation, process] : world.processes) append_process_life(world, generation, process, next);
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

    void append_process_life(const World& world, base::Generation generation, Process process, std::vector<World>& next) const
    {
        const ExitInfo failed{.kind = ExitInfo::Kind::LaunchFailed, .code = 2, .detail = "no such file"};
        const ExitInfo crash{.kind = ExitInfo::Kind::Signaled, .code = 11};
        const ExitInfo done{.kind = ExitInfo::Kind::Exited, .code = 0};
        if (process == Process::Launching) {
            next.push_back(feed(world, Launching{generation})); // it stands in line no more, or comes on
            next.push_back(answer(world, generation, Process::Live, Running{generation}));
            next.push_back(answer(world, generation, Process::None, Gone{generation, failed}));
        }
        if (process == Process::Live) {
            for (const ExitInfo& exit : {crash, done}) {
                if (exit == done && has_others(world)) continue;
                next.push_back(answer(world, generation, Process::None, Gone{generation, exit}));
                next.push_back(answer(world, generation, Process::Left, MainExited{generation, exit}));
            }
            if (readiness_.must_tell) next.push_back(feed(world, Ready{generation}));
            if (drain_ > 0ms) next.push_back(feed(world, Drained{generation}));
        }
        if (process == Process::Left) next.push_back(answer(world, generation, Process::None, Gone{generation, crash}));
    }

    void check(const World& world)
    {
        const State& state = world.machine.state;
        const auto* starting = std::get_if<Starting>(&state);
        const auto in_line = [](const Starting& at) { return !at.begun && !at.running; };
        const bool timed = (starting != nullptr && !in_line(*starting)) || std::holds_alternative<Stopping>(state) ||
                           std::holds_alternative<Backoff>(state) || (world.machine.successor && !in_line(world.machine.successor->starting)) ||
                           !world.machine.leavers.empty();
        if (deadline_of(world.machine).has_value() != timed) faults.push_back("timer against the table: " + key(world));
        for (const auto& [generation, process] : world.processes)
            if (!knows(world.machine, generation)) faults.push_back("forgotten process: " + key(world));
        if (world.machine.successor && !std::holds_alternative<Online>(state)) faults.push_back("a successor of nothing: " + key(world));
        if (!settles(feed(world, StopCommand{}), [](const Machine& at) { return std::holds_alternative<Stopped>(at.state) && !has_any_process(at); }))
            faults.push_back("stop does not end: " + key(world));
        if (std::holds_alternative<Waiting>(state)) check_waiting(world);
        const auto rests = [](const Machine& at) { return !deadline_of(at).has_value() && !launching(at); };
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
        for (int turn = 0; turn < 120; ++turn) {
            if (!world.fault.empty()) return false;
            if (wanted(world.machine) && world.queue.empty() && !launching(world)) return has_process(world.machine.state) || world.processes.empty();
            if (!world.queue.empty()) {
                const Event event = world.queue.front();
                world.queue.pop_front();
                world = feed(world, event);
            } else if (const auto killed = one_killed(world.machine)) {
                world = answer(world, *killed, Process::None, Gone{*killed, {.kind = ExitInfo::Kind::Signaled, .code = 9}});
            } else if (const auto fresh = launching(world); fresh && !is_stopping(world.machine, *fresh)) {
                world = answer(world, *fresh, Process::Live, Running{*fresh});
            } else if (deadline_of(world.machine)) {
                std::vector<World> next;
                append_timers(world, next);
                world = next[static_cast<std::size_t>(turn) % next.size()];
            } else {
                return false;
            }
        }
        return false;
    }

    static bool launching(const Machine& machine) { return machine.successor || std::holds_alternative<Starting>(machine.state); }
    static std::optional<base::Generation> launching(const World& world)
    {
        for (const auto& [generation, process] : world.processes)
            if (process == Process::Launching) return generation;
        return std::nullopt;
    }

    static std::optional<base::Generation> one_killed(const Machine& machine)
    {
        if (const auto* at = std::get_if<Stopping>(&machine.state); at != nullptr && at->kills > 0) return machine.generation;
        for (const Leaver& leaver : machine.leavers)
            if (leaver.stopping.kills > 0) return leaver.generation;
        return std::nullopt;
    }

    static bool is_stopping(const Machine& machine, base::Generation generation)
    {
        return leaves(machine, generation) || (generation == machine.generation && std::holds_alternative<Stopping>(machine.state));
    }

    model::RestartPolicy policy_;
    bool reloads_;
    policy::Readiness readiness_;
    model::Milliseconds drain_;
    std::set<std::string> seen_;
    std::deque<World> open_;
};

struct Row {
    const char* name;
    model::RestartPolicy policy;
    bool reloads = false;
    policy::Readiness readiness{};
    model::Milliseconds drain{0};
};

class TableSearch : public testing::TestWithParam<Row> {};

TEST_P(TableSearch, HasNoBadWorld)
{
    Search search(GetParam().policy, GetParam().reloads, GetParam().readiness, GetParam().drain);
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
                    Row{"Never", {.max_restarts = 0}},
                    Row{"Alive", {.max_restarts = 2}, false, {.within = 1s}},
                    Row{"Tells", {.max_restarts = 2}, false, {.must_tell = true, .within = 8s}},
                    Row{"Reloads", {.autorestart = false}, true}, Row{"ReloadsTelling", {.autorestart = false}, true, {.must_tell = true, .within = 8s}},
                    Row{"ReloadsAgain", {.max_restarts = 1}, true, {.within = 1s}}, Row{"Drains", {.autorestart = false}, true, {}, 10s}),
    [](const auto& row) { return row.param.name; });

} // namespace
} // namespace pm::engine
