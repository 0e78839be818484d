// SPDX-License-Identifier: Apache-2.0
// The order that `depends_on` asks for: what others need comes before them.
#pragma once

#include "model/app_spec.hpp"

#include <span>

namespace pm::model {

using Dependencies = std::map<std::string, DependencyCondition>;

/// An app as far as its order goes. What both refer to must outlive it.
struct DependencyNode {
    std::string_view name;
    const Dependencies* needs = nullptr;
};

/// All indices of `apps`, each behind those it needs, otherwise in the order given. Needs that are not among `apps`, and
/// those that close a cycle, do not count.
[[nodiscard]] std::vector<std::size_t> dependencies_first(std::span<const DependencyNode> apps);

/// Names along a cycle of needs, the first of them again at the end ("a", "b", "a"); empty when there is none.
[[nodiscard]] std::vector<std::string> dependency_cycle(std::span<const DependencyNode> apps);

} // namespace pm::model
