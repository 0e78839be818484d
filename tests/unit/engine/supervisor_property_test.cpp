// SPDX-License-Identifier: Apache-2.0
// Random commands, crashes, timers and delays over several apps: whatever the order, the rules hold.
#include "fake_world.hpp"

#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

namespace pm::engine::testing {
namespace {

using namespace std::chrono_literals;

constexpr const char* kApps[] = {"a", "b", "c"};

struct Drive {
    FakeWorld world;
    std::vector<Answer> answers;
    bool jobs = *rc::gen::arbitrary<bool>(); ///< apps may wait for the end of others, which may never come

    Drive() { world.beside = true; }

    model::AppSpec random_app(const char* name)
    {
        auto spec = app(name, *rc::gen::inRange(1, 4));
        spec.restart.restart_delay = *rc::gen::element(0ms, 50ms);
        spec.restart.max_restarts = *rc::gen::inRange(0U, 4U);
        spec.restart.autorestart = *rc::gen::weightedElement<bool>({{5, true}, {1, false}});
        spec.autostart = *rc::gen::weightedElement<bool>({{5, true}, {1, false}});
        // In the order of the alphabet, so that there is no circle; some name what is not there.
        for (const char* need : kApps)
            if (std::string_view(need) < name && *rc::gen::weightedElement<bool>({{1, true}, {3, false}}))
                spec.depends_on[need] = *rc::gen::element(model::DependencyCondition::Ready, model::DependencyCondition::Started,
                                                          jobs ? model::DependencyCondition::Completed : model::DependencyCondition::Ready);
        spec.args = {std::to_string(*rc::gen::inRange(0, 3))};
        for (const std::uint16_t port : {std::uint16_t{80}, std::uint16_t{81}})
            if (*rc::gen::arbitrary<bool>()) spec.listen.push_back({.port = port});
        return spec;
    }

    Done answer() { return answers.emplace_back().done(); }

    void turn()
    {
        const char* name = *rc::gen::elementOf(std::vector<const char*>(std::begin(kApps), std::end(kApps)));
        switch (*rc::gen::inRange(0, 13)) {
        case 0: return load(name);
        case 1: return operate(Verb::Start, name);
        case 2: return operate(Verb::Stop, name);
        case 3: return operate(Verb::Restart, name);
        case 4: return operate(Verb::Delete, name);
        case 5: return operate(*rc::gen::element(Verb::Stop, Verb::Restart, Verb::Reload, Verb::Delete), id());
        case 6: return scale(name);
        case 7: return crash();
        case 8:
            if (!world.timers.empty()) world.fire();
            return;
        case 9: world.time += *rc::gen::element(1ms, 100ms, 2000ms); return;
        case 10: return operate(Verb::Reload, name);
        default:
            for (int i = *rc::gen::inRange(1, 4); i > 0 && !world.answers_due.empty(); --i) world.deliver_one();
        }
    }
    static std::string id() { return std::to_string(*rc::gen::inRange(0, 8)); }

    void load(const char* name)
    {
        const ApplyOptions options{.start = *rc::gen::weightedElement<bool>({{4, true}, {1, false}}),
                                   .prune = *rc::gen::weightedElement<bool>({{1, true}, {4, false}}),
                                   .may_miss_dependencies = *rc::gen::arbitrary<bool>(),
                                   .origin = "/app.yaml"};
        Done done = answer();
        if (!world.supervisor.apply({random_app(name)}, options, std::move(done))) answers.pop_back();
    }
    void operate(Verb verb, const std::string& target)
    {
        Done done = answer();
        if (!world.supervisor.operate(verb, target, std::move(done))) answers.pop_back();
    }
    void scale(const char* name)
    {
        Done done = answer();
        const auto count = *rc::gen::element<std::string>("1", "3", "+1", "-1", "max");
        if (!world.supervisor.scale(name, count, std::move(done))) answers.pop_back();
    }
    void crash()
    {
        if (world.alive.empty()) return;
        auto at = world.alive.begin();
        std::advance(at, *rc::gen::inRange<std::size_t>(0, world.alive.size()));
        if (!at->second.running) return;
        world.gone_later(at->first, {.kind = model::ExitInfo::Kind::Exited, .code = 1});
    }

    void check() const
    {
        std::set<std::string> names;
        std::set<ProcessKey> held;
        std::set<std::uint32_t> timed;
        for (const auto& shown : world.supervisor.snapshots()) {
            names.insert(shown.name);
            RC_ASSERT(!shown.instances.empty());
            const auto saved = world.supervisor.saved(shown.name);
            bool rests = true;
            for (const SavedInstance& instance : saved->instances) {
                const Machine& machine = instance.machine;
                const model::Status status = status_of(machine.state);
                rests = rests && (status == model::Status::Stopped || status == model::Status::Errored) && !has_any_process(machine);
                if (deadline_of(machine)) timed.insert(instance.id.value);
                if (has_process(machine.state)) held.insert({instance.id, machine.generation});
                if (machine.successor) held.insert({instance.id, machine.successor->generation});
                for (const Leaver& leaver : machine.leavers) held.insert({instance.id, leaver.generation});
            }
            RC_ASSERT(!rests || !world.held.contains(shown.name));
        }
        RC_ASSERT(names == world.apps);
        // One timer for each that needs one, and none for the others; no process without an instance that knows it.
        std::set<std::uint32_t> armed;
        for (const auto& [when, id] : world.timers) RC_ASSERT(armed.insert(id.value).second);
        RC_ASSERT(armed == timed);
        for (const auto& [key, process] : world.alive) RC_ASSERT(held.contains(key));
        // Sockets are held for as long as somebody has them, and for nobody who is gone.
        for (const auto& [app, ports] : world.held) RC_ASSERT(names.contains(app));
        for (const auto& [key, process] : world.alive)
            for (const auto& address : process.spec->listen) RC_ASSERT(world.held.at(process.app).contains(address.port));
    }
};

RC_GTEST_PROP(SupervisorProperties, HoldInAnyOrder, ())
{
    Drive drive;
    drive.world.stubborn = {"b"};
    if (*rc::gen::arbitrary<bool>()) drive.world.unstartable = {"c"};
    const int turns = *rc::gen::inRange(1, 80);
    for (int i = 0; i < turns; ++i) {
        drive.turn();
        drive.check();
    }
    // Left alone, all comes to rest and every command has been answered exactly once (Answer checks "once").
    drive.world.advance(1h);
    drive.check();
    if (drive.jobs) {
        drive.operate(Verb::Stop, "all");
        drive.world.advance(1h);
    }
    for (const Answer& answer : drive.answers) RC_ASSERT(answer.ended());

    Answer down;
    drive.world.supervisor.shut_down(down.done());
    drive.world.advance(1min);
    RC_ASSERT(down.text() == "ok");
    RC_ASSERT(drive.world.alive.empty());
    RC_ASSERT(drive.world.timers.empty());
    RC_ASSERT(!::testing::Test::HasFailure());
}

} // namespace
} // namespace pm::engine::testing
