// SPDX-License-Identifier: Apache-2.0
// An app as lists and `describe` show it.
#pragma once

#include "engine/table.hpp"

namespace pm::engine {

[[nodiscard]] model::InstanceSnapshot snapshot_of(const Instance& instance, model::TimePoint now);
[[nodiscard]] model::AppSnapshot snapshot_of(const App& app, model::TimePoint now);

} // namespace pm::engine
