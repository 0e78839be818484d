// SPDX-License-Identifier: Apache-2.0
#include "model/program.hpp"

namespace pm::model {

bool runs_on_node(const std::optional<std::string>& interpreter, std::string_view script)
{
    const auto ends = [](std::string_view text, auto... endings) { return (text.ends_with(endings) || ...); };
    if (!interpreter) return ends(script, ".js", ".mjs", ".cjs", ".ts", ".tsx", ".coffee", ".ls") && script.find(' ') == script.npos;
    const std::string_view program = std::string_view(*interpreter).substr(interpreter->find_last_of('/') + 1);
    return program == "node" || program == "nodejs" || program == "bun";
}

} // namespace pm::model
