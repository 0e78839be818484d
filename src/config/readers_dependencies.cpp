// SPDX-License-Identifier: Apache-2.0
#include "base/text.hpp"
#include "config/readers.hpp"
#include "config/values.hpp"

#include <array>
#include <fmt/format.h>

namespace pm::config::read {
namespace {

using model::DependencyCondition;

constexpr std::size_t kMaxNeeds = 100;
constexpr std::array<std::string_view, 3> kConditions{"ready", "started", "completed"};

void add(Draft& draft, const Field& field, const std::string& app, DependencyCondition condition)
{
    const std::string_view fault = fault_of_name(app);
    if (!fault.empty()) return field.fault(fmt::format("no name of an app: {}", fault));
    if (draft.spec.depends_on.size() >= kMaxNeeds) return field.fault(fmt::format("an app depends on {} others at most", kMaxNeeds));
    if (!draft.spec.depends_on.emplace(app, condition).second) field.fault(fmt::format("'{}' is there twice", base::printable(app)));
}

} // namespace

void depends_on(Draft& draft, const Field& field)
{
    draft.depends_on_mark = field.key_mark();
    if (field.asks_for_nothing()) return;
    if (field.is(Node::Kind::Map))
        return field.each_entry([&](const std::string& app, const Field& value) {
            std::string word;
            if (value.word(word, kConditions)) add(draft, value, app, *model::dependency_condition_from(word));
        });
    field.each_item([&](const Field& item) {
        std::string app;
        if (item.text(app)) add(draft, item, app, DependencyCondition::Ready);
    });
}

} // namespace pm::config::read
