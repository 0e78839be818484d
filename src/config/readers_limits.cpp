// SPDX-License-Identifier: Apache-2.0
#include "config/app_keys.hpp"
#include "config/readers.hpp"
#include "config/values.hpp"

#include <limits>

namespace pm::config::read {
namespace {

constexpr std::uint64_t kInfinity = model::ResourceControl::kInfinity;
constexpr std::int64_t kMaxTasks = std::numeric_limits<std::uint32_t>::max();
constexpr std::int64_t kMaxPercent = 1'000'000; ///< ten thousand CPUs

} // namespace

void limits(Draft& draft, const Field& field) { limit_keys().read(draft, field); }

void limit_scope(Draft& draft, const Field& field)
{
    const auto scope = field.is(Node::Kind::Scalar) ? model::limit_scope_from(field.node().text) : std::nullopt;
    if (!scope) return field.expected("instance or app");
    draft.spec.limits.scope = *scope;
}

void memory(std::optional<std::uint64_t>& to, const Field& field, std::uint64_t least)
{
    const std::string& text = field.node().text;
    const auto bytes = text == "infinity" ? std::optional(kInfinity) : size_from(text);
    if (!field.is(Node::Kind::Scalar) || !bytes || *bytes < least)
        return field.expected("a size such as 300M or 1.5G, or infinity");
    to = *bytes;
}

void cpu_share(Draft& draft, const Field& field)
{
    std::string_view text = field.node().text;
    const bool percent = field.is(Node::Kind::Scalar) && text.ends_with('%');
    const std::int64_t share = percent ? integer_from(text.substr(0, text.size() - 1)).value_or(0) : 0;
    if (share < 1 || share > kMaxPercent) return field.expected("a share of one CPU such as 150%");
    draft.spec.limits.cpu = static_cast<std::uint32_t>(share);
}

void weight(std::optional<std::uint32_t>& to, const Field& field)
{
    std::int64_t weight = 0;
    if (field.integer(weight, 1, 10'000)) to = static_cast<std::uint32_t>(weight);
}

void tasks(Draft& draft, const Field& field)
{
    std::int64_t number = 0;
    if (field.is(Node::Kind::Scalar) && field.node().text == "infinity")
        draft.spec.limits.tasks = kInfinity;
    else if (field.integer(number, 1, kMaxTasks))
        draft.spec.limits.tasks = static_cast<std::uint64_t>(number);
}

} // namespace pm::config::read
