// SPDX-License-Identifier: Apache-2.0
// Which kind of program an app is, as far as its script and interpreter tell.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace pm::model {

/// It is run by node or bun: by the interpreter's name, or by the extension where none is given. Such an app gets SIGINT, a
/// message channel, and is clustered by Node's protocol, as under PM2.
[[nodiscard]] bool runs_on_node(const std::optional<std::string>& interpreter, std::string_view script);

} // namespace pm::model
