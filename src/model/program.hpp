// SPDX-License-Identifier: Apache-2.0
// Which kind of program an app is, as far as its script and interpreter tell.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace pm::model {

/// It is run by node or bun: by the interpreter's name, or by the extension where none is given. Such an app gets SIGINT and a
/// message channel, as under PM2.
[[nodiscard]] bool runs_on_node(const std::optional<std::string>& interpreter, std::string_view script);

/// The file name has a "." that it does not begin with.
[[nodiscard]] bool has_extension(std::string_view path) noexcept;

/// The interpreter that the extension of `script` asks for ("python3" for "a.py"); empty: none.
[[nodiscard]] std::string_view interpreter_for(std::string_view script) noexcept;

/// "node" or "bun", where the extension of `script` asks for one of them; else empty.
[[nodiscard]] std::string_view node_for(std::string_view script);

/// Of those, what Node's cluster protocol does nothing for: bun's workers never ask the primary, each binds by itself.
[[nodiscard]] bool runs_on_bun(const std::optional<std::string>& interpreter, std::string_view script);

/// It speaks Node's cluster protocol, whatever the script does.
[[nodiscard]] inline bool clusters_as_node(const std::optional<std::string>& interpreter, std::string_view script)
{
    return runs_on_node(interpreter, script) && !runs_on_bun(interpreter, script);
}

} // namespace pm::model
