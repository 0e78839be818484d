// SPDX-License-Identifier: Apache-2.0
// The table as the key list of pmd.app(5), in roff with the man macros (groff_man(7)).
#include "base/text.hpp"
#include "config/app_keys.hpp"
#include "config/sandbox_keys.hpp"

#include <fmt/format.h>

namespace pm::config {
namespace {

/// Text as roff prints it: its escapes and the characters that start a request taken away.
std::string roff(std::string_view text)
{
    std::string out;
    for (char c : text) {
        if (c == '\\') out += "\\e";
        else if (c == '-') out += "\\-";
        else if (out.empty() && (c == '.' || c == '\'')) out += "\\&" + std::string(1, c);
        else out += c;
    }
    return out;
}

std::string entry(const Key& key)
{
    std::string text = fmt::format(".TP\n.B {}\n", roff(key.name));
    std::vector<std::string> aliases;
    for (const std::string_view alias : key.aliases)
        if (!alias.empty()) aliases.push_back(fmt::format("\\fB{}\\fR", roff(alias)));
    text += roff(key.meaning);
    if (key.support == Support::Ignored) text += ".";
    if (!key.fallback.empty()) text += fmt::format(" Default: {}.", roff(key.fallback));
    text += "\n";
    if (!aliases.empty()) text += fmt::format("Also: {}.\n", base::join(aliases, ", "));
    return text;
}

/// The properties that `sandbox` takes, by name.
std::string sandbox_names()
{
    std::vector<std::string> names;
    for (const SandboxKey& key : sandbox_keys())
        if (key.read != nullptr) names.push_back(fmt::format("\\fB{}\\fR", key.name));
    return fmt::format(".RS\nThe properties are {}.\n.RE\n", base::join(names, ", "));
}

std::string below(const Key& key)
{
    if (key.shape == Shape::Sandbox) return sandbox_names();
    const AppKeys* keys = keys_below(key.name);
    if (keys == nullptr) return {};
    std::string text = ".RS\n";
    for (const Attribute<Draft>& row : keys->rows()) {
        text += entry(row.key);
        if (key.support == Support::Now && row.key.support == Support::Later) text += "Not supported yet.\n";
        text += below(row.key);
    }
    return text + ".RE\n";
}

std::string entries(Support support)
{
    std::string text;
    for (const Attribute<Draft>& row : app_keys().rows())
        if (row.key.support == support) text += entry(row.key) + below(row.key);
    return text;
}

} // namespace

std::string man_page_keys()
{
    return entries(Support::Now) + ".SS Known, but not supported yet\n"
           "These are checked and then refused, unless they ask for nothing (false, 0, empty).\n" +
           entries(Support::Later) + ".SS Ignored, with a warning\n" + entries(Support::Ignored);
}

} // namespace pm::config
