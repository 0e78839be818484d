// SPDX-License-Identifier: Apache-2.0
#include "launch/process/earlier.hpp"

#include <nlohmann/json.hpp>

namespace pm::launch {
namespace {

using Json = nlohmann::json; // as CBOR: paths are bytes

Json to_json(const model::ExitInfo& exit)
{
    return Json::array({static_cast<int>(exit.kind), static_cast<int>(exit.cause), exit.code, exit.core_dumped,
                        static_cast<int>(exit.stage), exit.detail});
}

model::ExitInfo exit_from(const Json& from)
{
    model::ExitInfo exit;
    exit.kind = static_cast<model::ExitInfo::Kind>(from.at(0).get<int>());
    exit.cause = static_cast<model::ExitInfo::Cause>(from.at(1).get<int>());
    exit.code = from.at(2);
    exit.core_dumped = from.at(3);
    exit.stage = static_cast<model::LaunchStage>(from.at(4).get<int>());
    exit.detail = from.at(5);
    return exit;
}

Json to_json(engine::ProcessKey key, const Earlier& process)
{
    Json json{{"id", key.id.value}, {"generation", key.generation.value}, {"waiting", process.waiting}};
    if (process.waiting) return json;
    json.update({{"main_alive", process.main_alive}, {"pid", process.pid}, {"foreign", process.foreign}, {"start_time", process.start_time}, {"cgroup", process.cgroup}, {"pid_file", process.pid_file},
                 {"exit", to_json(process.exit)}, {"killed", process.killed}, {"told", process.told}, {"known", process.known}});
    Json& outputs = json["outputs"] = Json::array();
    for (const FileId& output : process.outputs) outputs.push_back(Json::array({output.device, output.inode}));
    return json;
}

Earlier process_from(const Json& from)
{
    Earlier process;
    process.waiting = from.at("waiting");
    if (process.waiting) return process;
    process.main_alive = from.at("main_alive");
    process.pid = from.at("pid");
    process.foreign = from.at("foreign");
    process.start_time = from.at("start_time");
    process.cgroup = from.at("cgroup");
    process.pid_file = from.at("pid_file");
    process.exit = exit_from(from.at("exit"));
    process.killed = from.at("killed");
    process.told = from.at("told");
    from.at("known").get_to(process.known);
    for (const Json& output : from.at("outputs")) process.outputs.push_back({output.at(0), output.at(1)});
    return process;
}

} // namespace

std::string to_bytes(const EarlierLauncher& launcher)
{
    Json to{{"cgroup_root", launcher.cgroup_root}, {"cgroup_root_name", launcher.cgroup_root_name}, {"lingering", launcher.lingering}};
    Json& processes = to["processes"] = Json::array();
    for (const auto& [key, process] : launcher.processes) processes.push_back(to_json(key, process));
    std::string bytes;
    Json::to_cbor(to, bytes);
    return bytes;
}

base::Result<EarlierLauncher> earlier_from(std::string_view bytes)
{
    try {
        const Json from = Json::from_cbor(bytes);
        EarlierLauncher launcher{from.at("cgroup_root"), from.at("cgroup_root_name"), from.at("lingering"), {}};
        for (const Json& process : from.at("processes")) {
            engine::ProcessKey key;
            process.at("id").get_to(key.id.value);
            process.at("generation").get_to(key.generation.value);
            launcher.processes.emplace(key, process_from(process));
        }
        return launcher;
    } catch (const std::exception& fault) {
        return base::fail(base::ErrorCode::Failed, fault.what());
    }
}

} // namespace pm::launch
