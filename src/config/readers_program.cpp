// SPDX-License-Identifier: Apache-2.0
#include "base/text.hpp"
#include "config/readers.hpp"
#include "config/values.hpp"

#include <array>
#include <fmt/format.h>

namespace pm::config::read {
namespace {

/// A text that will be part of a name; the whole is judged in complete().
bool name_part(std::string& to, const Field& field)
{
    std::string text;
    if (!field.text(text)) return false;
    if (text.size() > kMaxName) {
        field.fault(fmt::format("longer than {} bytes", kMaxName));
        return false;
    }
    if (!is_printable(text)) {
        field.fault("a control character in a name");
        return false;
    }
    to = std::move(text);
    return true;
}

} // namespace

void name(Draft& draft, const Field& field)
{
    if (!name_part(draft.spec.name, field)) return;
    draft.name_mark = field.node().mark;
    if (base::trim(draft.spec.name).empty()) field.fault("the name is empty");
}

void name_space(Draft& draft, const Field& field)
{
    std::string text;
    if (!name_part(text, field)) return;
    if (text.empty() || base::trim(text) != text || text.find('/') != std::string::npos || text == "all")
        return field.expected("a namespace without '/' and outer spaces, other than 'all'");
    draft.spec.name_space = std::move(text);
}

void name_prefix(Draft& draft, const Field& field) { name_part(draft.name_prefix, field); }

void script(Draft& draft, const Field& field)
{
    draft.has_script = true;
    std::string text;
    if (!field.text(text)) return;
    text = base::trim(text);
    if (text.empty()) return field.fault("the script is empty");
    const bool in_home = text.starts_with("~/") && text.find(' ') == std::string::npos;
    if (!in_home) {
        draft.spec.script = std::move(text);
        return;
    }
    file(draft, draft.spec.script, field);
    draft.spec.script = std::string(base::trim(draft.spec.script));
}

void interpreter(Draft& draft, const Field& field)
{
    std::string text;
    if (!field.text(text)) return;
    if (base::trim(text).empty()) return field.fault("the interpreter is empty; 'none' runs the script itself");
    if (base::trim(text).starts_with("node@")) // PM2 has nvm install it
        return field.fault("not supported yet: give the path of that version's node");
    draft.spec.interpreter = base::trim(text);
}

void cwd(Draft& draft, const Field& field) { file(draft, draft.cwd, field); }

void instances(Draft& draft, const Field& field)
{
    const auto count = field.is(Node::Kind::Scalar) ? instances_from(field.node().text) : std::nullopt;
    if (!count) return field.expected("a number, -1 and so on, or 'max'");
    draft.spec.instances = *count;
    draft.spec.instances_given = true;
}

void launcher(Draft& draft, const Field& field)
{
    constexpr std::array<std::string_view, 3> kLaunchers{"auto", "direct", "systemd"};
    const std::string& here = draft.options.launcher;
    std::string launcher;
    if (!field.word(launcher, kLaunchers) || launcher == "auto" || here.empty() || launcher == here) return;
    field.fault(fmt::format("this pmd starts processes {} ('launcher' in pmd.yaml), and one app cannot have another way",
                            here == "direct" ? "itself" : "by systemd"));
}

} // namespace pm::config::read
