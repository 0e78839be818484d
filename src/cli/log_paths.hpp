// SPDX-License-Identifier: Apache-2.0
// Log files that cannot be: told before anything is started, as their lines would be lost.
#pragma once

#include "model/app_spec.hpp"

#include <string>
#include <vector>

namespace pm::cli {

/// A sentence for each log file of `apps` whose path is a directory, as the caller sees it.
[[nodiscard]] std::vector<std::string> faults_of_log_paths(const std::vector<model::AppSpec>& apps);

} // namespace pm::cli
