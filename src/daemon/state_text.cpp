// SPDX-License-Identifier: Apache-2.0
#include "daemon/state_text.hpp"

#include "base/text.hpp"
#include "config/app_file.hpp"
#include "model/name_table.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace pm::daemon {
namespace {

using engine::SavedApp;
using engine::SavedInstance;
using model::ExitInfo;
using nlohmann::json;

constexpr int kVersion = 2;
constexpr int kOldestRead = 1; ///< had all of a spec in its YAML

enum class Kind { Stopped, Errored, Waiting, Backoff, Starting, Online, Stopping };
constexpr model::NameTable<Kind, 7> kKinds{{{
    {Kind::Stopped, "stopped"},
    {Kind::Errored, "errored"},
    {Kind::Waiting, "waiting"},
    {Kind::Backoff, "backoff"},
    {Kind::Starting, "starting"},
    {Kind::Online, "online"},
    {Kind::Stopping, "stopping"},
}}};
constexpr model::NameTable<ExitInfo::Kind, 4> kExitKinds{{{
    {ExitInfo::Kind::Exited, "exited"},
    {ExitInfo::Kind::Signaled, "signaled"},
    {ExitInfo::Kind::LaunchFailed, "launch-failed"},
    {ExitInfo::Kind::Lost, "lost"},
}}};
constexpr model::NameTable<engine::Then, 3> kThens{{{
    {engine::Then::Stay, "stay"},
    {engine::Then::Again, "again"},
    {engine::Then::Judge, "judge"},
}}};

std::int64_t usec(model::TimePoint time)
{
    return std::chrono::duration_cast<model::Duration>(time.time_since_epoch()).count();
}
model::TimePoint monotonic(const json& value) { return model::TimePoint(model::Duration(value.get<std::int64_t>())); }
std::int64_t usec(model::WallTime time)
{
    return std::chrono::duration_cast<model::Duration>(time.time_since_epoch()).count();
}
model::WallTime wall(const json& value) { return model::WallTime(model::Duration(value.get<std::int64_t>())); }

template <typename Table>
auto named(const Table& table, const json& value)
{
    const auto found = table.value(value.get<std::string>());
    if (!found) throw std::runtime_error("unknown word '" + value.get<std::string>() + "'");
    return *found;
}

bool is_utf8(const std::string& text) { return base::to_utf8(text) == text; }

/// What no app file says stands beside the YAML, and the environment, which is usually most of a spec: as JSON it is read
/// ten times as fast.
json spec_json(const model::AppSpec& spec)
{
    json to{{"env_from_caller", spec.env_from_caller}, {"log_folder", spec.logs.folder}};
    if (!spec.upkeep.watch.on && !spec.upkeep.watch.paths.empty()) to["watch_paths"] = spec.upkeep.watch.paths; // switched off for a while
    if (std::ranges::all_of(spec.env, [](const auto& variable) { return is_utf8(variable.first) && is_utf8(variable.second); })) {
        model::AppSpec rest = spec;
        // The address of a check is held against the variable that has its port.
        const std::string port = spec.health ? spec.health->target.port_variable : std::string();
        std::erase_if(rest.env, [&](const auto& variable) { return variable.first != port; });
        to["yaml"] = config::to_yaml(rest, false);
        to["env"] = spec.env;
    } else {
        to["yaml"] = config::to_yaml(spec, false);
    }
    return to;
}

using Spec = std::shared_ptr<const model::AppSpec>;

/// Specs that processes were started with and that are not the app's any more: each is written once, and named by its place.
class OlderSpecs {
public:
    explicit OlderSpecs(const SavedApp& app) : app_(app) {}
    void write(json& to, const char* key, const Spec& spec)
    {
        if (!spec || spec == app_.spec) return;
        const auto place = std::ranges::find(specs_, spec);
        to[key] = place - specs_.begin();
        if (place == specs_.end()) specs_.push_back(spec);
    }
    [[nodiscard]] json list() const
    {
        json list = json::array();
        for (const Spec& spec : specs_) list.push_back(spec_json(*spec));
        return list;
    }

private:
    const SavedApp& app_;
    std::vector<Spec> specs_;
};

Spec spec_from(const json& from)
{
    const std::string yaml = from.at("yaml");
    config::ParseOptions options;
    options.max_bytes = yaml.size();
    options.env_from_caller = from.at("env_from_caller");
    config::AppFile file = config::parse_app_file(yaml, options);
    if (file.ok() && file.apps.size() == 1) {
        file.apps.front().logs.folder = from.value("log_folder", "");
        if (from.contains("watch_paths")) from.at("watch_paths").get_to(file.apps.front().upkeep.watch.paths);
        if (from.contains("env")) from.at("env").get_to(file.apps.front().env);
        return std::make_shared<const model::AppSpec>(std::move(file.apps.front()));
    }
    throw std::runtime_error(file.diagnostics.empty() ? "its spec is not one app"
                                                      : config::to_string(file.diagnostics.front(), "its spec"));
}

json exit_json(const ExitInfo& exit)
{
    return {{"kind", kExitKinds.name(exit.kind)}, {"code", exit.code},     {"core", exit.core_dumped},
            {"cause", static_cast<int>(exit.cause)}, {"stage", model::to_string(exit.stage)}, {"detail", exit.detail}};
}

ExitInfo exit_from(const json& value)
{
    ExitInfo exit;
    exit.kind = named(kExitKinds, value.at("kind"));
    exit.code = value.at("code");
    exit.core_dumped = value.at("core");
    const int cause = value.at("cause");
    exit.cause = cause >= 0 && cause <= static_cast<int>(ExitInfo::Cause::Timeout) ? static_cast<ExitInfo::Cause>(cause) : ExitInfo::Cause::Own;
    exit.stage = model::launch_stage_from(value.at("stage").get<std::string>()).value_or(model::LaunchStage::Execute);
    exit.detail = value.at("detail");
    return exit;
}

/// Writes the state's name and what belongs to it.
struct StateWriter {
    json& to;
    void kind(Kind kind) const { to["state"] = kKinds.name(kind); }
    void begun(model::TimePoint started, policy::Cause cause) const
    {
        to["started"] = usec(started);
        to["by_policy"] = cause == policy::Cause::Policy;
    }
    void operator()(const engine::Stopped&) const { kind(Kind::Stopped); }
    void operator()(const engine::Errored&) const { kind(Kind::Errored); }
    void operator()(const engine::Waiting&) const { kind(Kind::Waiting); }
    void operator()(const engine::Backoff& state) const
    {
        kind(Kind::Backoff);
        to["deadline"] = usec(state.deadline);
    }
    void operator()(const engine::Starting& state) const
    {
        kind(Kind::Starting);
        begun(state.started, state.cause);
        to["deadline"] = usec(state.deadline);
        to["runs"] = state.running;
        to["told"] = state.told;
        to["must_tell"] = state.must_tell;
        to["should_tell"] = state.should_tell;
        to["begun"] = state.begun;
        to["unready"] = state.unready;
    }
    void operator()(const engine::Online& state) const
    {
        kind(Kind::Online);
        begun(state.started, state.cause);
    }
    void operator()(const engine::Stopping& state) const
    {
        kind(Kind::Stopping);
        begun(state.started, state.cause);
        to["then"] = kThens.name(state.then);
        to["deadline"] = usec(state.deadline);
        to["kill_timeout_ms"] = state.kill_timeout.count();
        to["kills"] = state.kills;
        to["killed_at"] = usec(state.killed_at);
        to["asked"] = state.asked;
        to["unready"] = state.unready;
        if (state.blame) to["blame"] = exit_json(*state.blame);
        if (state.ended) to["ended"] = {{"exit", exit_json(state.ended->exit)}, {"when", usec(state.ended->when)}};
    }
};

engine::State state_from(const json& from)
{
    const auto started = [&] { return monotonic(from.at("started")); };
    const auto deadline = [&] { return monotonic(from.at("deadline")); };
    const auto cause = [&] { return from.at("by_policy").get<bool>() ? policy::Cause::Policy : policy::Cause::Command; };
    switch (named(kKinds, from.at("state"))) {
    case Kind::Stopped: return engine::Stopped{};
    case Kind::Errored: return engine::Errored{};
    case Kind::Waiting: return engine::Waiting{};
    case Kind::Backoff: return engine::Backoff{deadline()};
    case Kind::Starting:
        return engine::Starting{.started = started(),
                                .deadline = deadline(),
                                .cause = cause(),
                                .begun = from.value("begun", true),
                                .running = from.value("runs", false),
                                .told = from.value("told", false),
                                .must_tell = from.value("must_tell", false),
                                .should_tell = from.value("should_tell", false),
                                .unready = from.value("unready", "")};
    case Kind::Online: return engine::Online{started(), cause()};
    case Kind::Stopping: break;
    }
    engine::Stopping stopping{named(kThens, from.at("then")), started(), deadline(), cause()};
    stopping.kill_timeout = from.contains("kill_timeout_ms") ? model::Milliseconds(from.at("kill_timeout_ms").get<std::int64_t>())
                                                             : model::AppSpec().kill_timeout; // of an earlier pmd
    stopping.kills = from.at("kills");
    stopping.killed_at = monotonic(from.at("killed_at"));
    stopping.asked = from.value("asked", false);
    stopping.unready = from.value("unready", false);
    if (from.contains("blame")) stopping.blame = exit_from(from.at("blame"));
    if (from.contains("ended"))
        stopping.ended = engine::Ended{exit_from(from.at("ended").at("exit")), monotonic(from.at("ended").at("when"))};
    return stopping;
}

/// A process beside the current one.
json beside_json(const engine::State& state, base::Generation generation, const SavedInstance& instance, OlderSpecs& older)
{
    json to{{"generation", generation.value}};
    std::visit(StateWriter{to}, state);
    const auto facts = instance.others.find(generation);
    if (facts == instance.others.end()) return to;
    to["pid"] = facts->second.pid;
    older.write(to, "spec", facts->second.spec);
    return to;
}

void write_beside(json& to, const SavedInstance& instance, OlderSpecs& older)
{
    const engine::Machine& machine = instance.machine;
    to["newest"] = machine.newest.value;
    if (machine.successor) to["successor"] = beside_json(machine.successor->starting, machine.successor->generation, instance, older);
    for (const engine::Leaver& leaver : machine.leavers)
        to["leavers"].push_back(beside_json(leaver.stopping, leaver.generation, instance, older));
}

json instance_json(const SavedInstance& instance, OlderSpecs& older)
{
    const policy::RestartHistory& history = instance.machine.history;
    json to{{"id", instance.id.value},
            {"slot", instance.slot.value},
            {"generation", instance.machine.generation.value},
            {"unstable", history.unstable},
            {"window_start", usec(history.window_start)},
            {"last_delay_ms", history.last_delay.count()},
            {"launch_delay_ms", history.launch_delay.count()},
            {"has_run", instance.machine.has_run},
            {"pid", instance.pid},
            {"reason", instance.reason},
            {"since", usec(instance.since)},
            {"restarts", instance.restarts},
            {"leaving", instance.leaving}};
    std::visit(StateWriter{to}, instance.machine.state);
    write_beside(to, instance, older);
    if (instance.last_exit) to["last_exit"] = exit_json(*instance.last_exit);
    if (instance.finished) to["finished"] = true;
    older.write(to, "running", instance.running);
    return to;
}

/// Named by its place, or, as earlier versions wrote it, the spec itself.
Spec spec_from(const json& from, const std::vector<Spec>& older) { return from.is_number() ? older.at(from.get<std::size_t>()) : spec_from(from); }

template <typename State>
std::pair<base::Generation, State> read_beside(const json& from, SavedInstance& instance, const std::vector<Spec>& older)
{
    const base::Generation generation{from.at("generation").get<std::uint64_t>()};
    instance.others[generation] = {from.value("pid", 0), from.contains("spec") ? spec_from(from.at("spec"), older) : nullptr};
    return {generation, std::get<State>(state_from(from))};
}

void read_beside(const json& from, SavedInstance& instance, const std::vector<Spec>& older)
{
    engine::Machine& machine = instance.machine;
    machine.newest.value = from.value("newest", std::uint64_t{0});
    if (from.contains("successor")) {
        auto [generation, starting] = read_beside<engine::Starting>(from.at("successor"), instance, older);
        machine.successor = engine::Successor{generation, starting};
    }
    if (!from.contains("leavers")) return;
    for (const json& leaver : from.at("leavers")) {
        auto [generation, stopping] = read_beside<engine::Stopping>(leaver, instance, older);
        machine.leavers.push_back({generation, std::move(stopping)});
    }
}

SavedInstance instance_from(const json& from, const std::vector<Spec>& older)
{
    SavedInstance instance;
    instance.id.value = from.at("id");
    instance.slot.value = from.at("slot");
    instance.machine.state = state_from(from);
    instance.machine.generation.value = from.at("generation");
    instance.machine.history = {from.at("unstable"), monotonic(from.at("window_start")),
                                model::Milliseconds(from.at("last_delay_ms").get<std::int64_t>()),
                                model::Milliseconds(from.value("launch_delay_ms", std::int64_t{0}))};
    instance.machine.has_run = from.value("has_run", true);
    read_beside(from, instance, older);
    instance.pid = from.at("pid");
    instance.reason = from.at("reason");
    instance.since = wall(from.at("since"));
    instance.restarts = from.at("restarts");
    instance.leaving = from.at("leaving");
    instance.finished = from.value("finished", false);
    if (from.contains("last_exit")) instance.last_exit = exit_from(from.at("last_exit"));
    if (from.contains("running")) instance.running = spec_from(from.at("running"), older);
    return instance;
}

} // namespace

std::string spec_text(const model::AppSpec& spec) { return spec_json(spec).dump(-1, ' ', false, json::error_handler_t::replace); }

std::string to_text(const SavedApp& app) { return to_text(app, spec_text(*app.spec)); }

std::string to_text(const SavedApp& app, const std::string& spec)
{
    json to{{"version", kVersion},           {"sequence", app.sequence}, {"origin", app.origin}, {"owner", app.owner},
            {"created", usec(app.created_at)}, {"seen_listening", app.seen_listening}};
    json& instances = to["instances"] = json::array();
    OlderSpecs older(app);
    for (const SavedInstance& instance : app.instances) instances.push_back(instance_json(instance, older));
    if (json list = older.list(); !list.empty()) to["older"] = std::move(list);
    std::string text = to.dump(-1, ' ', false, json::error_handler_t::replace);
    text.back() = ','; // of an object that is not empty
    return text + "\"spec\":" + spec + "}";
}

base::Result<SavedApp> saved_app_from(std::string_view text)
{
    try {
        const json from = json::parse(text);
        const int version = from.at("version");
        if (version < kOldestRead || version > kVersion)
            return base::fail(base::ErrorCode::InvalidSpec,
                              fmt::format("it was written by {} pmd, in format {}, and this one reads {} to {} (that version of pmd goes on with it)",
                                          version > kVersion ? "a newer" : "an older", version, kOldestRead, kVersion));
        SavedApp app{spec_from(from.at("spec")), from.at("origin"), from.at("owner"), wall(from.at("created")), from.at("sequence"), {}};
        app.seen_listening = from.value("seen_listening", false);
        std::vector<Spec> older;
        for (const json& spec : from.value("older", json::array())) older.push_back(spec_from(spec));
        for (const json& instance : from.at("instances")) app.instances.push_back(instance_from(instance, older));
        return app;
    } catch (const json::parse_error& fault) { // its text quotes what was read, which may be secret
        return base::fail(base::ErrorCode::InvalidSpec, fmt::format("it is no JSON, or was cut, at byte {}", fault.byte));
    } catch (const std::exception& fault) {
        const std::string_view said = fault.what(); // "[json.exception...] key ... not found"
        const auto head = said.find("] ");
        return base::fail(base::ErrorCode::InvalidSpec, std::string(said.substr(head == std::string_view::npos ? 0 : head + 2)));
    }
}

} // namespace pm::daemon
