// SPDX-License-Identifier: Apache-2.0
// One status for an app of many instances.
#pragma once

#include "model/status.hpp"

#include <cstddef>
#include <span>

namespace pm::policy {

/// Index of the instance that most needs attention: errored, backoff, stopping, waiting, starting, stopped, online; the first
/// of them in the list. Nothing for an empty list.
[[nodiscard]] std::optional<std::size_t> neediest(std::span<const model::InstanceSnapshot> instances) noexcept;

} // namespace pm::policy
