// SPDX-License-Identifier: Apache-2.0
#include "launch/systemd/transient.hpp"

#include "launch/systemd/append_property.hpp"
#include "model/unit_names.hpp"
#include "policy/unit_properties.hpp"

#include <algorithm>
#include <csignal>
#include <fmt/format.h>

namespace pm::launch {
namespace {

constexpr std::uint64_t kStartTimeoutUsec = 60'000'000;
constexpr int kWorseThanErrors = 2; ///< syslog(3): LOG_CRIT

/// Appends to an array of properties; remembers the first error.
class Properties {
public:
    explicit Properties(sd_bus_message* call) : call_(call) {}

    template <typename... Values>
    void add(const char* name, const char* signature, Values... values)
    {
        if (result_ >= 0) result_ = sd_bus_message_append(call_, "(sv)", name, signature, values...);
    }
    void add(const policy::Properties& properties)
    {
        for (const model::UnitProperty& property : properties) step(append(call_, property));
    }
    void units(const char* name, const std::vector<std::string>& units);
    /// LogExtraFields= is an array of byte arrays: the journal takes any bytes.
    void fields(const char* name, std::initializer_list<std::string> fields);
    void command(const char* name, const std::string& program, std::initializer_list<const char*> arguments);
    [[nodiscard]] int result() const noexcept { return result_; }

private:
    void step(int result)
    {
        if (result_ >= 0) result_ = result;
    }
    void begin(const char* name, const char* signature)
    {
        step(sd_bus_message_open_container(call_, 'r', "sv"));
        step(sd_bus_message_append(call_, "s", name));
        step(sd_bus_message_open_container(call_, 'v', signature));
        step(sd_bus_message_open_container(call_, 'a', signature + 1));
    }
    void end()
    {
        for (int container = 0; container < 3; ++container) step(sd_bus_message_close_container(call_));
    }

    sd_bus_message* call_;
    int result_ = 0;
};

void Properties::units(const char* name, const std::vector<std::string>& units)
{
    begin(name, "as");
    for (const std::string& unit : units) step(sd_bus_message_append(call_, "s", unit.c_str()));
    end();
}

void Properties::fields(const char* name, std::initializer_list<std::string> fields)
{
    begin(name, "aay");
    for (const std::string& field : fields) step(sd_bus_message_append_array(call_, 'y', field.data(), field.size()));
    end();
}

void Properties::command(const char* name, const std::string& program, std::initializer_list<const char*> arguments)
{
    begin(name, "a(sasb)");
    step(sd_bus_message_open_container(call_, 'r', "sasb"));
    step(sd_bus_message_append(call_, "s", program.c_str()));
    step(sd_bus_message_open_container(call_, 'a', "s"));
    for (const char* argument : arguments) step(sd_bus_message_append(call_, "s", argument));
    step(sd_bus_message_close_container(call_));
    step(sd_bus_message_append(call_, "b", 0));
    step(sd_bus_message_close_container(call_));
    end();
}

void identity(Properties& properties, const engine::LaunchRequest& request)
{
    const model::AppSpec& spec = *request.spec;
    const std::string slot = std::to_string(request.slot.value);
    properties.add("Description", "s", fmt::format("{}, instance {}", spec.name, slot).c_str());
    properties.add("Slice", "s", model::slice_of(spec.name).c_str());
    properties.add("LogRateLimitIntervalUSec", "t", std::uint64_t{0}); // no line of an app is lost; the disk is journald's to bound
    properties.fields("LogExtraFields",
                      {"PM_APP=" + spec.name, "PM_INSTANCE=" + slot, fmt::format("PM_ID={}", request.key.id.value),
                       "PM_NAMESPACE=" + spec.name_space, fmt::format("PM_GENERATION={}", request.key.generation.value)});
}

/// When the machine goes down. Slices keep their names from one generation of their app to the next.
void end_order(Properties& properties, const engine::EndOrder& order)
{
    std::vector<std::string> before{"pmd.service"}; // ends first, so that it does not start again what is being stopped
    for (const std::string& app : order.before_us) before.push_back(model::slice_of(app));
    properties.units("Before", before);
    std::vector<std::string> after;
    for (const auto& [app, slot, generation] : order.after_us) after.push_back(model::unit_of(app, slot, generation));
    if (!after.empty()) properties.units("After", after);
}

/// Restarting stays with pmd. What ended stays loaded until pmd has seen how (RemainAfterExit=, and failed ones by themselves).
void life(Properties& properties)
{
    properties.add("Type", "s", "exec");
    properties.add("RemainAfterExit", "b", 1);
    properties.add("TimeoutStartUSec", "t", kStartTimeoutUsec);
}

void rights(Properties& properties, const model::AppSpec& spec, bool user)
{
    if (!spec.user.empty() && !user) properties.add("User", "s", spec.user.c_str());
    if (!spec.group.empty() && !user) properties.add("Group", "s", spec.group.c_str());
}

void programs_streams(Properties& properties, const TransientService& service)
{
    properties.add("StandardInputFileDescriptor", "h", service.invitation);
    properties.add("StandardOutput", "s", "null"); // pm-exec is sent what the app gets
    properties.add("StandardError", "s", "null");
}

void show_inside(Properties& properties, const std::string& path)
{
    properties.add("BindReadOnlyPaths", "a(ssbt)", 1, path.c_str(), path.c_str(), 0, std::uint64_t{0});
}

/// An app in a root directory of its own finds pm-exec there too, and its notify socket, which may also be below what the
/// app has an empty directory for. The directory of the socket, as a new pmd may have to make the socket anew.
void reach(Properties& properties, const model::AppSpec& spec, const TransientService& service)
{
    const auto has = [&](std::initializer_list<std::string_view> names) {
        return std::ranges::any_of(spec.sandbox, [&](const auto& setting) { return std::ranges::find(names, setting.name) != names.end(); });
    };
    if (has({"RootDirectory", "RootImage"})) show_inside(properties, service.pm_exec);
    if (!service.notify_socket.empty() && has({"RootDirectory", "RootImage", "TemporaryFileSystem", "ProtectHome", "PrivateTmp"}))
        show_inside(properties, service.notify_socket.substr(0, service.notify_socket.rfind('/')));
}

/// `mode` replace: a stop of the slice, of an app of this name that was deleted, may still be under way.
int begin(sd_bus_message* call, const std::string& unit, const char* mode)
{
    const int result = sd_bus_message_append(call, "ss", unit.c_str(), mode);
    return result < 0 ? result : sd_bus_message_open_container(call, 'a', "(sv)");
}

int finish(sd_bus_message* call, int result)
{
    if (result >= 0) result = sd_bus_message_close_container(call);
    return result < 0 ? result : sd_bus_message_append(call, "a(sa(sv))", 0);
}

} // namespace

int describe_service(sd_bus_message* call, const engine::LaunchRequest& request, const TransientService& service)
{
    const int result = begin(call, service.unit, "replace");
    if (result < 0) return result;
    Properties properties(call);
    identity(properties, request);
    life(properties);
    end_order(properties, request.end_order);
    rights(properties, *request.spec, service.user);
    programs_streams(properties, service);
    properties.add(policy::instance_properties(*request.spec));
    reach(properties, *request.spec, service);
    properties.command("ExecStart", service.pm_exec, {service.pm_exec.c_str(), request.spec->name.c_str()});
    return finish(call, properties.result());
}

int describe_check(sd_bus_message* call, const engine::LaunchRequest& request, const TransientCheck& check)
{
    const TransientService& service = check.service;
    const int result = begin(call, service.unit, "replace");
    if (result < 0) return result;
    Properties properties(call);
    identity(properties, request);
    rights(properties, *request.spec, service.user);
    programs_streams(properties, service);
    properties.add(policy::instance_properties(*request.spec));
    reach(properties, *request.spec, service);
    properties.add("Description", "s", fmt::format("Check of {}, instance {}", request.spec->name, request.slot.value).c_str());
    properties.add("Type", "s", "oneshot");
    properties.add("TimeoutStartUSec", "t", static_cast<std::uint64_t>(check.timeout.count()));
    properties.add("KillSignal", "i", SIGKILL);
    properties.add("CollectMode", "s", "inactive-or-failed");
    properties.add("LogLevelMax", "i", kWorseThanErrors);         // that checks fail is pmd's to tell
    properties.add("RuntimeDirectoryPreserve", "s", "yes");       // they are the app's, not the check's to remove
    properties.units("JoinsNamespaceOf", {check.checked});        // PrivateTmp= and PrivateNetwork= of the app, not new ones
    properties.command("ExecStart", service.pm_exec, {service.pm_exec.c_str(), request.spec->name.c_str()});
    return finish(call, properties.result());
}

int describe_slice(sd_bus_message* call, const std::string& slice, const model::AppSpec& spec)
{
    const int result = begin(call, slice, "replace");
    if (result < 0) return result;
    Properties properties(call);
    properties.add("Description", "s", fmt::format("Slice of app {}", spec.name).c_str());
    properties.add(policy::slice_properties(spec));
    return finish(call, properties.result());
}

int describe_change(sd_bus_message* call, const std::string& unit, const policy::Properties& changed)
{
    int result = sd_bus_message_append(call, "sb", unit.c_str(), 1);
    if (result >= 0) result = sd_bus_message_open_container(call, 'a', "(sv)");
    if (result < 0) return result;
    Properties properties(call);
    properties.add(changed);
    return properties.result() < 0 ? properties.result() : sd_bus_message_close_container(call);
}

} // namespace pm::launch
