// SPDX-License-Identifier: Apache-2.0
// The table of an app file's keys: names, aliases, forms, defaults, meanings and readers. There is no other list.
#pragma once

#include "config/draft.hpp"
#include "config/key_table.hpp"

namespace pm::config {

using AppKeys = KeyTable<Draft>;

/// Keys of one app, in the order of the manual.
[[nodiscard]] const AppKeys& app_keys();
/// Keys of the maps within: logs, logs.rotate, limits, listen, health, reload, watch_options.
[[nodiscard]] const AppKeys& log_keys();
[[nodiscard]] const AppKeys& rotate_keys();
[[nodiscard]] const AppKeys& limit_keys();
[[nodiscard]] const AppKeys& listen_keys();
[[nodiscard]] const AppKeys& health_keys();
[[nodiscard]] const AppKeys& reload_keys();
[[nodiscard]] const AppKeys& watch_option_keys();

/// The table of the map that the app's key `name` holds; nullptr when it holds none.
[[nodiscard]] const AppKeys* keys_below(std::string_view name);

} // namespace pm::config
