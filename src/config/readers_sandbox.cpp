// SPDX-License-Identifier: Apache-2.0
#include "base/text.hpp"
#include "config/readers.hpp"
#include "config/sandbox_keys.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace pm::config::read {
namespace {

constexpr std::size_t kMaxName = 40; ///< no property's is longer

void report_unknown(std::string_view name, const Field& field)
{
    if (name.size() > kMaxName || field.report().faults() > Report::kMaxDiagnostics)
        return field.key_fault("unknown property");
    std::vector<std::string_view> names;
    for (const SandboxKey& key : sandbox_keys()) names.push_back(key.name);
    const auto suggestion = base::nearest(name, names);
    field.key_fault(suggestion ? fmt::format("unknown property, did you mean '{}'?", *suggestion)
                               : "unknown property, see systemd.exec(5) and systemd.resource-control(5)");
}

void report_value(const SandboxFault& fault, const Field& field)
{
    std::size_t index = 0;
    field.each_item([&](const Field& item) {
        if (index++ == fault.line) item.expected(fault.expected);
    });
}

void setting(Draft& draft, const std::string& name, const Field& field)
{
    const SandboxKey* key = find_sandbox_key(name);
    if (key == nullptr) return report_unknown(name, field);
    if (key->read == nullptr) return field.key_fault(fmt::format("cannot be set here: {}", key->detail));
    if (field.is(Node::Kind::Null)) return; // as if it were not there
    std::vector<std::string> lines;
    if (!field.texts(lines) || lines.empty()) return;
    auto properties = key->read(*key, lines);
    if (!properties) return report_value(properties.error(), field);
    auto& all = draft.spec.sandbox;
    const auto place = std::lower_bound(all.begin(), all.end(), name, [](const auto& one, const auto& wanted) { return one.name < wanted; });
    all.insert(place, {name, std::move(lines), *std::move(properties)});
    draft.sandbox_marks.emplace_back(field.key_mark(), name);
}

struct Given {
    std::string_view key; ///< below `limits`
    bool (*is)(const model::ResourceControl&);
};
template <auto Member>
bool has(const model::ResourceControl& limits)
{
    return (limits.*Member).has_value();
}
using model::ResourceControl;
constexpr std::array kLimitsGiven{
    Given{"limits.memory_low", has<&ResourceControl::memory_low>},
    Given{"limits.memory_high", has<&ResourceControl::memory_high>},
    Given{"limits.memory_max", has<&ResourceControl::memory_max>},
    Given{"limits.memory_swap_max", has<&ResourceControl::memory_swap_max>},
    Given{"limits.cpu", has<&ResourceControl::cpu>},
    Given{"limits.cpu_weight", has<&ResourceControl::cpu_weight>},
    Given{"limits.io_weight", has<&ResourceControl::io_weight>},
    Given{"limits.tasks", has<&ResourceControl::tasks>},
};

bool is_given(const model::AppSpec& spec, std::string_view key)
{
    constexpr std::string_view kRlimits = "rlimits.";
    if (key.starts_with(kRlimits))
        return std::any_of(spec.rlimits.begin(), spec.rlimits.end(), [&](const model::ResourceLimit& one) {
            return model::resource_name(one.resource) == key.substr(kRlimits.size());
        });
    // A limit of all instances together and one of each are two.
    if (spec.limits.scope == model::LimitScope::App) return false;
    return std::any_of(kLimitsGiven.begin(), kLimitsGiven.end(),
                       [&](const Given& given) { return given.key == key && given.is(spec.limits); });
}

} // namespace

void sandbox(Draft& draft, const Field& field)
{
    if (!field.is(Node::Kind::Map)) return field.expected("a map such as {ProtectSystem: strict}");
    field.each_entry([&](const std::string& name, const Field& value) { setting(draft, name, value); });
    if (!draft.spec.sandbox.empty() && draft.options.launcher == "direct")
        field.key_fault("needs the systemd launcher: this pmd starts processes by itself (direct)");
}

void check_sandbox(const Draft& draft, const Field& app)
{
    for (const auto& [mark, name] : draft.sandbox_marks) {
        const SandboxKey& key = *find_sandbox_key(name);
        if (!is_given(draft.spec, key.same_as)) continue;
        const Path map(app.path(), "sandbox");
        app.report().fault(mark, Path(map, name), fmt::format("means the same as '{}', which is given too", key.same_as));
    }
}

} // namespace pm::config::read
