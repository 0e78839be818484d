// SPDX-License-Identifier: Apache-2.0
#include "policy/quota.hpp"

#include "base/text.hpp"

#include <fmt/format.h>
#include <string_view>

namespace pm::policy {
namespace {

/// As JSON has it at worst: control characters are written as \u0000.
std::uint64_t bytes_of(std::string_view text)
{
    std::uint64_t bytes = text.size();
    for (const char c : text)
        if (static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\' || c == 0x7f) bytes += 6;
    return bytes;
}

constexpr std::uint64_t kBesideText = 16; ///< quotes, indentation, a key

std::uint64_t bytes_of(const std::vector<std::string>& lines)
{
    std::uint64_t bytes = 0;
    for (const std::string& line : lines) bytes += bytes_of(std::string_view(line)) + kBesideText;
    return bytes;
}

/// Of what masters and others share, the others may have all but a quarter.
constexpr std::uint64_t share_of_others(std::uint64_t all) noexcept { return all - all / 4; }

base::Unexpected refuse(std::string text) { return base::fail(base::ErrorCode::LimitExceeded, std::move(text)); }

/// One kind of thing that is counted.
struct Counted {
    std::uint64_t Usage::* number;
    const char* name;
    const char* setting;      ///< of all
    const char* user_setting; ///< of one user
};

constexpr Counted kCounted[] = {{&Usage::apps, "apps", "max_apps", "max_apps_per_user"},
                           {&Usage::instances, "instances", "max_instances", "max_instances_per_user"},
                           {&Usage::sockets, "held sockets", "max_sockets", "max_sockets_per_user"}};

} // namespace

Usage& Usage::operator+=(const Usage& more) noexcept
{
    apps += more.apps;
    instances += more.instances;
    bytes += more.bytes;
    sockets += more.sockets;
    return *this;
}

std::uint64_t bytes_of(const model::AppSpec& spec)
{
    std::uint64_t bytes = 0;
    for (const std::string* text : {&spec.name, &spec.name_space, &spec.script, &spec.cwd, &spec.instance_var, &spec.increment_var, &spec.user, &spec.group,
                                    &spec.pid_file, &spec.logs.out_file, &spec.logs.error_file, &spec.logs.log_file, &spec.logs.date_format})
        bytes += bytes_of(std::string_view(*text)) + kBesideText;
    bytes += bytes_of(spec.args) + bytes_of(spec.interpreter_args) + bytes_of(spec.env_files);
    for (const auto& [name, value] : spec.env) bytes += bytes_of(std::string_view(name)) + bytes_of(std::string_view(value)) + kBesideText;
    for (const auto& [name, condition] : spec.depends_on) bytes += bytes_of(std::string_view(name)) + 2 * kBesideText;
    for (const model::SandboxSetting& setting : spec.sandbox) bytes += bytes_of(std::string_view(setting.name)) + bytes_of(setting.lines);
    for (const model::ListenAddress& address : spec.listen) bytes += model::to_string(address).size() + 4 * kBesideText;
    if (spec.health) bytes += bytes_of(std::string_view(model::to_string(spec.health->target))) + 4 * kBesideText + bytes_of(spec.health->command);
    bytes += bytes_of(spec.upkeep.watch.paths) + bytes_of(spec.upkeep.watch.ignore) + bytes_of(std::string_view(spec.upkeep.cron));
    return bytes;
}

base::Result<void> check_quota(const QuotaBounds& bounds, const QuotaUsage& present, const Usage& more, uid_t uid, bool master)
{
    for (const Counted& kind : kCounted) {
        const std::uint64_t added = more.*kind.number;
        if (added == 0) continue; // what there is may be more than a bound that was lowered
        const std::uint64_t most = bounds.of_all.*kind.number;
        if (const std::uint64_t all = present.all.*kind.number + added; all > most)
            return refuse(fmt::format("{} {} would be more than the {} that are allowed ({} in pmd.yaml); delete some first", all, kind.name, most, kind.setting));
        if (master) continue;
        const std::uint64_t of_user = bounds.of_user.*kind.number;
        if (const std::uint64_t mine = present.user.*kind.number + added; mine > of_user)
            return refuse(fmt::format("user {} would have {} {}, more than the {} that one user may have ({} in pmd.yaml); delete some first, or ask root to raise it",
                                      uid, mine, kind.name, of_user, kind.user_setting));
        if (const std::uint64_t theirs = present.users.*kind.number + added; theirs > share_of_others(most))
            return refuse(fmt::format("all users but root would have {} {}, more than the {} that they may have together (three quarters of {} in pmd.yaml, the rest "
                                      "is kept for root); delete some first, or ask root to raise it",
                                      theirs, kind.name, share_of_others(most), kind.setting));
    }
    const std::uint64_t bytes = present.user.bytes + more.bytes;
    if (!master && more.bytes > 0 && bytes > bounds.of_user.bytes)
        return refuse(fmt::format("what is kept of the apps of user {} would be {}, more than the {} that one user may have (max_state_per_user in pmd.yaml; most of "
                                  "it is usually 'env'); delete some first, or ask root to raise it",
                                  uid, base::format_bytes(bytes), base::format_bytes(bounds.of_user.bytes)));
    return {};
}

} // namespace pm::policy
