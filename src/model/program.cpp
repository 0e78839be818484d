// SPDX-License-Identifier: Apache-2.0
#include "model/program.hpp"

namespace pm::model {

namespace {

std::string_view program_of(const std::string& interpreter) { return std::string_view(interpreter).substr(interpreter.find_last_of('/') + 1); }

bool ends_with_any(std::string_view script, auto... endings) { return script.find(' ') == script.npos && (script.ends_with(endings) || ...); }

} // namespace

bool runs_on_bun(const std::optional<std::string>& interpreter, std::string_view script)
{
    return interpreter ? program_of(*interpreter) == "bun" : ends_with_any(script, ".ts", ".tsx");
}

bool runs_on_node(const std::optional<std::string>& interpreter, std::string_view script)
{
    if (runs_on_bun(interpreter, script)) return true;
    if (!interpreter) return ends_with_any(script, ".js", ".mjs", ".cjs", ".coffee", ".ls");
    return program_of(*interpreter) == "node" || program_of(*interpreter) == "nodejs";
}

} // namespace pm::model
