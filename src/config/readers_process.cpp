// SPDX-License-Identifier: Apache-2.0
#include "base/text.hpp"
#include "config/app_keys.hpp"
#include "config/readers.hpp"
#include "config/values.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <limits>

namespace pm::config::read {
namespace {

constexpr std::int64_t kMaxCount = std::numeric_limits<std::uint32_t>::max();

void add_limit(Draft& draft, const model::ResourceLimit& limit, const Field& field)
{
    auto& limits = draft.spec.rlimits;
    const auto place = std::lower_bound(limits.begin(), limits.end(), limit.resource,
                                        [](const auto& one, int resource) { return one.resource < resource; });
    if (place != limits.end() && place->resource == limit.resource)
        return field.key_fault(fmt::format("the limit '{}' is given twice", model::resource_name(limit.resource)));
    limits.insert(place, limit);
}

/// "65536", "1024:65536" (soft:hard), "unlimited".
void limit(Draft& draft, int resource, const Field& field)
{
    const std::string_view kind = counts_bytes(resource) ? "a size" : "a number";
    const auto wrong = [&] { field.expected(fmt::format("{}, soft:hard or 'unlimited'", kind)); };
    if (!field.is(Node::Kind::Scalar)) return wrong();
    const std::string_view text = field.node().text;
    const auto colon = text.find(':');
    const auto soft = limit_from(resource, base::trim(text.substr(0, colon)));
    const auto hard = colon == std::string_view::npos ? soft : limit_from(resource, base::trim(text.substr(colon + 1)));
    if (!soft || !hard) return wrong();
    if (*soft > *hard) return field.fault("the soft limit is above the hard one");
    add_limit(draft, {resource, *soft, *hard}, field);
}

} // namespace

void account(std::string& to, const Field& field)
{
    std::string text;
    if (!field.text(text)) return;
    const bool number = !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
    const bool is_id = number && base::parse_number<std::uint32_t>(text).value_or(kMaxCount) != kMaxCount;
    const bool is_name = !number && text.size() <= 256 && !text.empty() && text.front() != '-' && text.front() != '+' &&
                         text.find_first_of(":,/ \t\n") == std::string::npos;
    if (!is_id && !is_name) return field.expected("a name or a number");
    to = std::move(text);
}

void umask(Draft& draft, const Field& field)
{
    const auto mask = field.is(Node::Kind::Scalar) ? umask_from(field.node().text) : std::nullopt;
    if (!mask) return field.expected("an octal mask such as 0022");
    draft.spec.umask = mask;
}

void nice(Draft& draft, const Field& field)
{
    std::int64_t nice = 0;
    if (field.integer(nice, -20, 19)) draft.spec.nice = static_cast<int>(nice);
}

void oom_score_adj(Draft& draft, const Field& field)
{
    std::int64_t score = 0;
    if (field.integer(score, -1000, 1000)) draft.spec.oom_score_adj = static_cast<int>(score);
}

void rlimits(Draft& draft, const Field& field)
{
    if (!field.is(Node::Kind::Map)) return field.expected("a map such as {nofile: 65536}");
    field.each_entry([&](const std::string& name, const Field& value) {
        if (const auto resource = model::resource_from(name)) return limit(draft, *resource, value);
        const auto suggestion = name.size() <= 40 ? base::nearest(name, model::resource_names()) : std::nullopt;
        value.key_fault(suggestion ? fmt::format("unknown resource, did you mean '{}'?", *suggestion)
                                   : fmt::format("unknown resource, there are {}", fmt::join(model::resource_names(), ", ")));
    });
}

void open_files(Draft& draft, const Field& field) { limit(draft, RLIMIT_NOFILE, field); }

void stop_exit_codes(Draft& draft, const Field& field)
{
    if (field.is(Node::Kind::Map)) return field.expected("a code from 0 to 255 or a list of them");
    auto& codes = draft.spec.restart.stop_exit_codes;
    codes.clear();
    field.each_item([&](const Field& item) {
        std::int64_t code = 0;
        if (item.integer(code, 0, 255)) codes.push_back(static_cast<std::uint8_t>(code));
    });
    std::sort(codes.begin(), codes.end());
    codes.erase(std::unique(codes.begin(), codes.end()), codes.end());
}

void max_restarts(Draft& draft, const Field& field)
{
    std::int64_t number = kMaxCount;
    const bool unlimited = field.is(Node::Kind::Scalar) && field.node().text == "infinity";
    if (!unlimited && !field.integer(number, 0, kMaxCount)) return;
    draft.spec.restart.max_restarts = static_cast<std::uint32_t>(number);
    if (number == 0)
        field.report().warning(field.node().mark, field.path(), "0 means that the app is never started again, and errored as soon as it ends; for no limit "
                                                                "write 'infinity', for an app that runs once 'autorestart: false'");
}

void kill_signal(Draft& draft, const Field& field)
{
    const auto signal = field.is(Node::Kind::Scalar) ? base::signal_number(field.node().text) : std::nullopt;
    if (!signal || *signal <= 0) return field.expected("a signal such as SIGINT or 15");
    draft.kill_signal = *signal;
}

void kill_timeout(Draft& draft, const Field& field)
{
    model::Milliseconds timeout{};
    if (field.duration(timeout) && timeout.count() > 0) draft.spec.kill_timeout = timeout; // PM2: 0 is unset
}

void kill_mode(Draft& draft, const Field& field)
{
    constexpr std::array<std::string_view, 2> kModes{"group", "main"};
    std::string mode;
    if (field.word(mode, kModes)) draft.spec.kill_mode = *model::kill_mode_from(mode);
}

void treekill(Draft& draft, const Field& field)
{
    bool tree = true;
    if (field.boolean(tree) && !tree) draft.spec.kill_mode = model::KillMode::Main;
}

} // namespace pm::config::read
