// SPDX-License-Identifier: Apache-2.0
// The table as a JSON schema (draft-07), for editors. It says the form of values; the parser says more.
#include "config/app_keys.hpp"
#include "config/sandbox_keys.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace pm::config {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kSizePattern = "^\\d+(\\.\\d+)? ?([KMGTkmgt](i?[Bb])?|[Bb])?$";
constexpr std::string_view kTimePattern = "^\\d+(\\.\\d+)? ?(ms|s|m|h|d)?$";

Json of_type(std::string_view type) { return {{"type", type}}; }
Json any_of(std::initializer_list<Json> forms) { return {{"anyOf", Json(Json::array_t(forms))}}; }
Json pattern(std::string_view regex) { return {{"type", "string"}, {"pattern", regex}}; }
Json range(int least, int most) { return {{"type", "integer"}, {"minimum", least}, {"maximum", most}}; }
Json choice(std::initializer_list<std::string_view> words) { return {{"enum", Json(std::vector<std::string_view>(words))}}; }
Json scalar() { return {{"type", Json::array({"string", "number", "boolean", "null"})}}; }
Json natural() { return {{"type", "integer"}, {"minimum", 0}}; }
Json list_of(Json item) { return {{"type", "array"}, {"items", std::move(item)}}; }
Json map_of(Json value) { return {{"type", "object"}, {"additionalProperties", std::move(value)}}; }
Json text_or_list() { return any_of({scalar(), list_of(scalar())}); }
Json number_or(std::string_view regex) { return any_of({Json{{"type", "number"}, {"minimum", 0}}, pattern(regex)}); }
Json numeric(Json form) { return any_of({std::move(form), pattern("^-?\\d+$")}); }

Json form(Shape shape)
{
    switch (shape) {
    case Shape::Text: return {{"type", Json::array({"string", "number", "boolean"})}};
    case Shape::Words:
    case Shape::Texts:
    case Shape::Watch: return text_or_list();
    case Shape::Bool: return any_of({of_type("boolean"), pattern("^([Tt]rue|TRUE|[Ff]alse|FALSE)$")});
    case Shape::Count: return numeric(natural());
    case Shape::Port: return numeric(range(0, 65'535));
    case Shape::Instances: return any_of({of_type("integer"), pattern("^(max|-?\\d+)$")});
    case Shape::ExecMode: return choice({"fork", "fork_mode", "cluster", "cluster_mode"});
    case Shape::Env: return any_of({of_type("object"), of_type("string")});
    case Shape::FilterEnv: return any_of({of_type("boolean"), of_type("string"), list_of(of_type("string"))});
    case Shape::Account: return any_of({natural(), pattern("^[^-+:,/\\s][^:,/\\s]*$")});
    case Shape::ExitCodes: return any_of({numeric(range(0, 255)), list_of(numeric(range(0, 255)))});
    case Shape::Duration: return number_or(kTimePattern);
    case Shape::Size: return number_or(kSizePattern);
    case Shape::Signal: return any_of({range(1, 64), of_type("string")});
    case Shape::KillMode: return choice({"group", "main"});
    case Shape::StreamFile: return of_type("string");
    case Shape::BoolOrText: return any_of({of_type("boolean"), of_type("string")});
    case Shape::LogType: return choice({"raw", "json", ""});
    case Shape::Umask: return any_of({natural(), pattern("^(0o)?[0-7]{1,4}$")});
    case Shape::Nice: return numeric(range(-20, 19));
    case Shape::OomScore: return numeric(range(-1000, 1000));
    case Shape::Rlimits: {
        Json limits = {{"type", "object"}, {"properties", Json::object()}, {"additionalProperties", false}};
        for (const std::string_view name : model::resource_names())
            limits["properties"][std::string(name)] = any_of({natural(), of_type("string")});
        return limits;
    }
    case Shape::Launcher: return choice({"auto", "direct", "systemd"});
    case Shape::LogTarget: return choice({"files", "journal"});
    case Shape::Cron: return any_of({of_type("string"), range(0, 0)});
    case Shape::SocketType: return choice({"stream", "dgram", "seqpacket"});
    case Shape::Listen: break; // by its keys
    case Shape::Cluster: return choice({"shared", "round-robin", "reuseport", "transparent", "reuseport-bpf", "none"});
    case Shape::Balance: return choice({"even", "shared"});
    case Shape::Ready: return choice({"notify", "ipc", "listening", "probe", "started"});
    case Shape::OnUnhealthy: return choice({"reload", "restart", "none"});
    case Shape::ReloadMode: return choice({"rolling", "restart", "signal"});
    case Shape::Drain: return any_of({of_type("boolean"), number_or(kTimePattern)});
    case Shape::DependsOn: return any_of({text_or_list(), map_of(choice({"ready", "started", "completed"}))});
    case Shape::Stdio: return {{"type", Json::array({"string", "integer"})}};
    case Shape::Percent: return pattern("^[1-9]\\d*%$");
    case Shape::Memory: return any_of({natural(), pattern(kSizePattern), choice({"infinity"})});
    case Shape::Tasks: return any_of({Json{{"type", "integer"}, {"minimum", 1}}, pattern("^([1-9]\\d*|infinity)$")});
    case Shape::CountOrInfinity: return any_of({natural(), pattern("^(0|[1-9]\\d*|infinity)$")});
    case Shape::LimitScope: return choice({"instance", "app"});
    case Shape::Sandbox: {
        Json sandbox = {{"type", "object"}, {"properties", Json::object()}, {"additionalProperties", false}};
        for (const SandboxKey& key : sandbox_keys())
            if (key.read != nullptr) sandbox["properties"][std::string(key.name)] = {{"$ref", "#/definitions/setting"}};
        return sandbox;
    }
    case Shape::Weight: return numeric(range(1, 10'000));
    case Shape::Object: return of_type("object");
    case Shape::BusKind: return choice({"system", "session", "embedded"});
    case Shape::LauncherKind: return choice({"systemd", "direct"});
    case Shape::LogLevel: return choice({"error", "warning", "notice", "info", "debug"});
    case Shape::Anything: break;
    }
    return Json::object();
}

std::string description(const Key& key)
{
    std::string text;
    if (key.support == Support::Later) text = "Not supported yet. ";
    if (key.support == Support::Ignored) text = "Ignored: ";
    text += key.meaning;
    if (!key.fallback.empty()) text += fmt::format(" Default: {}.", key.fallback);
    return text;
}

Json properties(const AppKeys& keys, const std::string& pointer);

/// `pointer` is where the property will stand in the schema.
Json property(const Key& key, const std::string& pointer)
{
    Json value = {{"description", description(key)}};
    const AppKeys* below = keys_below(key.name);
    Json shape = below != nullptr ? Json{{"type", "object"},
                                           {"properties", properties(*below, pointer + "/anyOf/0/properties")},
                                           {"additionalProperties", false}}
                                  : form(key.shape);
    if (key.shape == Shape::Listen) {
        shape["required"] = Json::array({"address"});
        const Json address = {{"type", Json::array({"string", "integer"})}};
        const Json item = any_of({{{"$ref", pointer + "/anyOf/0"}}, address});
        shape = any_of({std::move(shape), address, list_of(item)});
    }
    if (key.support == Support::Ignored) return value;
    if (!shape.is_object() || shape.empty()) return value;
    // A key without a value, and a key that asks for nothing, are as if they were not there.
    Json forms = shape.contains("anyOf") ? std::move(shape["anyOf"]) : Json::array({std::move(shape)});
    forms.push_back(of_type("null"));
    if (key.support == Support::Later) forms.push_back({{"enum", Json::array({false, 0, "", Json::array(), Json::object()})}});
    value["anyOf"] = std::move(forms);
    return value;
}

Json properties(const AppKeys& keys, const std::string& pointer)
{
    Json all = Json::object();
    for (const Attribute<Draft>& row : keys.rows()) {
        const std::string name(row.key.name);
        all[name] = property(row.key, pointer + "/" + name);
        for (const std::string& spelling : other_spellings(row.key)) all[spelling] = {{"$ref", pointer + "/" + name}};
    }
    return all;
}

Json app()
{
    Json scripts = Json::array();
    const Key& script = app_keys().rows().front().key;
    scripts.push_back({{"required", Json::array({script.name})}});
    for (const std::string& spelling : other_spellings(script)) scripts.push_back({{"required", Json::array({spelling})}});
    return {{"type", "object"},
            {"properties", properties(app_keys(), "#/definitions/app/properties")},
            {"patternProperties",
             {{"^env_(?!file$).+$",
               {{"description", "Variables of a profile (--env), over those of env."},
                {"type", Json::array({"object", "string", "null"})}}}}},
            {"additionalProperties", false},
            {"anyOf", std::move(scripts)}};
}

} // namespace

std::string json_schema()
{
    const Json one = {{"$ref", "#/definitions/app"}};
    const Json many = {{"if", {{"type", "array"}}}, {"then", {{"items", one}}}, {"else", one}};
    Json single = app();
    single["properties"]["$schema"] = of_type("string");
    const Json sections = {{"type", "object"},
                           {"properties",
                            {{"$schema", of_type("string")},
                             {"apps", many},
                             {"pm2", many},
                             {"deploy", {{"description", "Ignored: pmd does not deploy"}}}}},
                           {"additionalProperties", false},
                           {"anyOf", Json::array({{{"required", Json::array({"apps"})}}, {{"required", Json::array({"pm2"})}}})}};
    const Json schema = {{"$schema", "http://json-schema.org/draft-07/schema#"},
                         {"title", "App file of pmd"},
                         {"description", "See pmd.app(5)."},
                         {"if", {{"type", "array"}}},
                         {"then", {{"items", one}}},
                         {"else", {{"if", {{"anyOf", sections["anyOf"]}}}, {"then", sections}, {"else", one}}},
                         {"definitions", {{"app", std::move(single)}, {"setting", text_or_list()}}}};
    return schema.dump(2) + "\n";
}

} // namespace pm::config
