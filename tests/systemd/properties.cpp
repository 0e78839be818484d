// SPDX-License-Identifier: Apache-2.0
// Does systemd take what `sandbox` and `limits` become? Asks the one that runs this machine: starts a transient unit for
// each sample, reads its properties back and compares. Exit 77 where no systemd runs it.
#include "config/app_file.hpp"
#include "launch/systemd/append_property.hpp"
#include "policy/unit_properties.hpp"
#include "sandbox_samples.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fmt/format.h>
#include <memory>
#include <systemd/sd-daemon.h>

namespace pm::test {
namespace {

constexpr const char* kSystemd = "org.freedesktop.systemd1";
constexpr const char* kPath = "/org/freedesktop/systemd1";
constexpr const char* kManager = "org.freedesktop.systemd1.Manager";

template <typename Thing, Thing* (*Unref)(Thing*)>
struct Unreference {
    void operator()(Thing* thing) const noexcept { Unref(thing); }
};
using Bus = std::unique_ptr<sd_bus, Unreference<sd_bus, sd_bus_flush_close_unref>>;
using Message = std::unique_ptr<sd_bus_message, Unreference<sd_bus_message, sd_bus_message_unref>>;

[[noreturn]] void give_up(const std::string& what)
{
    std::fprintf(stderr, "%s\n", what.c_str());
    std::exit(1);
}
void check(int result, const char* what)
{
    if (result < 0) give_up(fmt::format("{}: error {}", what, -result));
}

struct Error {
    sd_bus_error error = SD_BUS_ERROR_NULL;
    Error() = default;
    ~Error() { sd_bus_error_free(&error); }
    Error(const Error&) = delete;
    Error& operator=(const Error&) = delete;
};

/// Sets of bits come back in whole words: zeros at their end mean nothing.
std::string without_zeros(std::string text)
{
    while (text.ends_with(" 0]")) text.replace(text.size() - 3, 3, "]");
    return text;
}

/// The value at the message's place as text, whatever its type.
std::string text_of(sd_bus_message* message)
{
    char type = 0;
    const char* contents = nullptr;
    if (sd_bus_message_peek_type(message, &type, &contents) <= 0) return {};
    if (type == 'a' || type == 'r' || type == 'v') {
        const bool structs = type == 'a' && contents[0] == '(';
        check(sd_bus_message_enter_container(message, type, contents), "entering a container");
        std::vector<std::string> parts;
        while (sd_bus_message_at_end(message, 0) == 0) parts.push_back(text_of(message));
        check(sd_bus_message_exit_container(message), "leaving a container");
        // systemd keeps lists of addresses, ports and devices in an order of its own.
        if (structs) std::sort(parts.begin(), parts.end());
        const std::string all = fmt::format("{}", fmt::join(parts, " "));
        return type == 'v' ? all : "[" + all + "]";
    }
    union {
        std::uint8_t byte;
        int flag;
        std::int32_t number;
        std::uint16_t port;
        std::uint32_t count;
        std::uint64_t size;
        const char* text;
    } value{};
    check(sd_bus_message_read_basic(message, type, &value), "reading a value");
    switch (type) {
    case 'y': return std::to_string(value.byte);
    case 'b': return value.flag != 0 ? "true" : "false";
    case 'i': return std::to_string(value.number);
    case 'q': return std::to_string(value.port);
    case 'u': return std::to_string(value.count);
    case 't': return std::to_string(value.size);
    default: return fmt::format("'{}'", value.text);
    }
}

class Probe {
public:
    explicit Probe(Bus bus) : bus_(std::move(bus)) {}

    void sample(const SandboxSample& sample);
    void limits();
    [[nodiscard]] int result() const;

private:
    enum class Answer { Taken, Unknown, Refused };
    Answer start(const std::string& unit, const policy::Properties& properties, std::string& why);
    std::string property(const std::string& unit, const char* interface, const std::string& name);
    std::string as_text(const model::UnitProperty& property);
    bool compare(const std::string& unit, const char* interface, const policy::Properties& properties);
    void note(bool good, const std::string& line);

    Bus bus_;
    int number_ = 0;
    int good_ = 0;
    int bad_ = 0;
};

Message new_call(sd_bus* bus, const char* method)
{
    sd_bus_message* call = nullptr;
    check(sd_bus_message_new_method_call(bus, &call, kSystemd, kPath, kManager, method), "making a call");
    return Message(call);
}

Probe::Answer Probe::start(const std::string& unit, const policy::Properties& properties, std::string& why)
{
    const Message call = new_call(bus_.get(), "StartTransientUnit");
    check(sd_bus_message_append(call.get(), "ss", unit.c_str(), "replace"), "appending");
    check(sd_bus_message_open_container(call.get(), 'a', "(sv)"), "appending");
    if (unit.ends_with(".service"))
        check(sd_bus_message_append(call.get(), "(sv)(sv)(sv)", "Type", "s", "oneshot", "RemainAfterExit", "b", 1, "ExecStart",
                                    "a(sasb)", 1, "/bin/true", 1, "/bin/true", 0),
              "appending");
    for (const model::UnitProperty& property : properties)
        if (const int failed = launch::append(call.get(), property); failed < 0)
            give_up(fmt::format("{}: cannot be appended: error {}", property.name, -failed));
    check(sd_bus_message_close_container(call.get()), "appending");
    check(sd_bus_message_append(call.get(), "a(sa(sv))", 0), "appending");
    Error error;
    if (sd_bus_call(bus_.get(), call.get(), 0, &error.error, nullptr) >= 0) return Answer::Taken;
    why = fmt::format("{}: {}", error.error.name, error.error.message);
    return sd_bus_error_has_name(&error.error, SD_BUS_ERROR_PROPERTY_READ_ONLY) != 0 ? Answer::Unknown : Answer::Refused;
}

std::string Probe::property(const std::string& unit, const char* interface, const std::string& name)
{
    char* path = nullptr;
    check(sd_bus_path_encode("/org/freedesktop/systemd1/unit", unit.c_str(), &path), "naming a unit");
    const std::unique_ptr<char, decltype(&std::free)> owned(path, &std::free);
    Error error;
    sd_bus_message* reply = nullptr;
    if (sd_bus_call_method(bus_.get(), kSystemd, path, "org.freedesktop.DBus.Properties", "Get", &error.error, &reply, "ss", interface,
                           name.c_str()) < 0)
        return fmt::format("{}: {}", error.error.name, error.error.message);
    const Message owner(reply);
    return text_of(reply);
}

std::string Probe::as_text(const model::UnitProperty& property)
{
    const Message message = new_call(bus_.get(), "Nothing");
    check(launch::append(message.get(), property), "appending");
    check(sd_bus_message_seal(message.get(), 1, 0), "sealing");
    check(sd_bus_message_rewind(message.get(), 1), "rewinding");
    check(sd_bus_message_enter_container(message.get(), 'r', "sv"), "reading");
    check(sd_bus_message_skip(message.get(), "s"), "reading");
    return text_of(message.get());
}

bool Probe::compare(const std::string& unit, const char* interface, const policy::Properties& properties)
{
    bool same = true;
    for (const model::UnitProperty& one : properties) {
        const std::string sent = as_text(one);
        const std::string read = property(unit, interface, one.name);
        const bool bits = std::holds_alternative<std::vector<std::uint8_t>>(one.value);
        if ((bits ? without_zeros(read) : read) == sent) continue;
        std::printf("      %s: sent %s, reads %.200s\n", one.name.c_str(), sent.c_str(), read.c_str());
        same = false;
    }
    return same;
}

void Probe::note(bool good, const std::string& line)
{
    std::printf("%s  %s\n", good ? "ok  " : "FAIL", line.c_str());
    ++(good ? good_ : bad_);
}

void Probe::sample(const SandboxSample& sample)
{
    const config::AppFile file =
        config::parse_app_file(fmt::format("script: a\nsandbox:\n  {}: {}\n", sample.name, sample.value), config::ParseOptions{});
    if (!file.ok()) return note(false, config::to_string(file.diagnostics.front(), "sample"));
    const policy::Properties& properties = file.apps.front().sandbox.front().properties;
    const std::string unit = fmt::format("pmd-properties-{}-{}.service", getpid(), number_++);
    std::string why;
    switch (start(unit, properties, why)) {
    case Answer::Taken: {
        const bool same = compare(unit, "org.freedesktop.systemd1.Service", properties);
        return note(same || sample.reads_other, std::string(sample.name));
    }
    case Answer::Unknown: return note(sample.newer, fmt::format("{}: not known here", sample.name));
    case Answer::Refused: return note(false, fmt::format("{}: {}", sample.name, why));
    }
}

/// All of an app's other properties at once, in a service and in a slice, then changed live.
void Probe::limits()
{
    const auto app = [](const char* scope, const char* more) {
        const std::string text = fmt::format(
            "script: a\nlimits: {{scope: {}, memory_low: 1M, memory_high: 1G, memory_max: 2G, memory_swap_max: 0, cpu: 150%, "
            "cpu_weight: 7, io_weight: 9, tasks: 50}}\nrlimits: {{nofile: '10:20', core: infinity}}\numask: '0027'\nnice: 5\n"
            "oom_score_adj: 100\nkill_signal: SIGINT\nkill_timeout: 3s\n{}",
            scope, more);
        const config::AppFile file = config::parse_app_file(text, config::ParseOptions{});
        if (!file.ok()) give_up(config::to_string(file.diagnostics.front(), "limits"));
        return file.apps.front();
    };
    const std::string service = fmt::format("pmd-properties-{}.service", getpid());
    const std::string slice = fmt::format("pmd-properties{}.slice", getpid());
    std::string why;
    const auto started = [&](const std::string& unit, const char* interface, const policy::Properties& properties) {
        const bool taken = start(unit, properties, why) == Answer::Taken;
        note(taken && compare(unit, interface, properties), taken ? unit : why);
    };
    started(service, "org.freedesktop.systemd1.Service", policy::instance_properties(app("instance", "")));
    started(slice, "org.freedesktop.systemd1.Slice", policy::slice_properties(app("app", "")));

    model::AppSpec fewer = app("instance", "");
    fewer.limits = {.memory_max = 3ULL << 30, .tasks = 60};
    const auto change = policy::live_changes(app("instance", ""), fewer);
    if (!change) give_up("no live change");
    const Message call = new_call(bus_.get(), "SetUnitProperties");
    check(sd_bus_message_append(call.get(), "sb", service.c_str(), 1), "appending");
    check(sd_bus_message_open_container(call.get(), 'a', "(sv)"), "appending");
    for (const model::UnitProperty& property : change->instance) check(launch::append(call.get(), property), "appending");
    check(sd_bus_message_close_container(call.get()), "appending");
    Error error;
    const bool set = sd_bus_call(bus_.get(), call.get(), 0, &error.error, nullptr) >= 0;
    note(set && compare(service, "org.freedesktop.systemd1.Service", change->instance),
         set ? "limits set live" : std::string(error.error.message));
}

int Probe::result() const
{
    std::printf("%d good, %d bad\n", good_, bad_);
    return bad_ == 0 && good_ > 0 ? 0 : 1;
}

int run()
{
    constexpr int kSkipped = 77;
    sd_bus* bus = nullptr;
    if (sd_booted() <= 0 || getuid() != 0 || sd_bus_default_system(&bus) < 0) {
        std::puts("skipped: needs root on a machine that systemd runs");
        return kSkipped;
    }
    Probe probe{Bus(bus)};
    for (const SandboxSample& sample : kSandboxSamples) probe.sample(sample);
    probe.limits();
    return probe.result();
}

} // namespace
} // namespace pm::test

int main() { return pm::test::run(); }
