// SPDX-License-Identifier: Apache-2.0
// What differs between two specs of one app, by the names an app file uses.
#pragma once

#include "model/app_spec.hpp"

#include <string_view>
#include <vector>

namespace pm::policy {

/// Names of the keys whose values differ, in the order of AppSpec, without `instances`: a count alone is scaling.
/// Empty when the same process would run.
[[nodiscard]] std::vector<std::string_view> spec_changes(const model::AppSpec& before, const model::AppSpec& after);

} // namespace pm::policy
