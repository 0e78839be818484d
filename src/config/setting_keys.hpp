// SPDX-License-Identifier: Apache-2.0
// The table of pmd.yaml's keys.
#pragma once

#include "config/key_table.hpp"
#include "config/settings.hpp"

namespace pm::config {

[[nodiscard]] const KeyTable<Settings>& setting_keys();

} // namespace pm::config
