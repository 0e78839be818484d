// SPDX-License-Identifier: Apache-2.0
// evaluate.js, embedded by embed_script.
#pragma once

#include <string_view>

namespace pm::cli {

extern const std::string_view kEvaluateScript;

} // namespace pm::cli
