// SPDX-License-Identifier: Apache-2.0
#include "config/app_keys.hpp"
#include "config/readers.hpp"
#include "model/cron.hpp"

namespace pm::config::read {
namespace {

/// Less than any program holds: a number that was meant in other units.
constexpr std::uint64_t kLeastMemory = 1u << 20;

} // namespace

void max_memory(Draft& draft, const Field& field)
{
    if (field.asks_for_nothing()) return;
    std::uint64_t bytes = 0;
    if (!field.size(bytes)) return;
    if (bytes < kLeastMemory) return field.expected("at least 1M: a number alone is bytes");
    draft.spec.upkeep.max_memory = bytes;
}

void cron(Draft& draft, const Field& field)
{
    if (field.asks_for_nothing()) return;
    if (!field.is(Node::Kind::Scalar)) return field.expected("a pattern such as '30 4 * * *', which is every day at 4:30");
    const auto pattern = model::parse_cron(field.node().text);
    if (!pattern) return field.fault(pattern.error().message);
    if (!pattern->can_be_due()) return field.fault("is never due: no such month has such a day");
    draft.spec.upkeep.cron = field.node().text;
}

} // namespace pm::config::read
