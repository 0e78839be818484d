// SPDX-License-Identifier: Apache-2.0
#include "base/text.hpp"
#include "config/readers.hpp"
#include "config/values.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace pm::config::read {
namespace {

/// The value as JSON, with plain scalars as what JSON takes them for.
nlohmann::ordered_json to_json(const Node& node)
{
    using Json = nlohmann::ordered_json;
    switch (node.kind) {
    case Node::Kind::Null: return nullptr;
    case Node::Kind::List: {
        Json list = Json::array();
        for (const Node::Entry& entry : node.entries) list.push_back(to_json(*entry.value));
        return list;
    }
    case Node::Kind::Map: {
        // Built as pairs: ordered_json looks a key up by walking, which a large map would make quadratic.
        Json::object_t map;
        for (const Node::Entry& entry : node.entries)
            map.std::vector<Json::object_t::value_type>::emplace_back(entry.key, to_json(*entry.value));
        return map;
    }
    case Node::Kind::Scalar: break;
    }
    if (!node.plain) return node.text;
    if (const auto boolean = bool_from(node.text)) return *boolean;
    if (!Json::accept(node.text)) return node.text;
    return Json::parse(node.text, nullptr, false);
}

bool is_variable_name(std::string_view name) noexcept
{
    return !name.empty() && name.find('=') == std::string_view::npos;
}

void variable(Variables& to, const std::string& name, const Field& field)
{
    if (!is_variable_name(name)) return field.key_fault("a variable needs a name without '='");
    switch (field.node().kind) {
    case Node::Kind::Null: to[name] = field.report().of_pm2() ? "null" : ""; return; // what String(null) is in PM2
    case Node::Kind::Scalar: to[name] = field.node().text; return;
    case Node::Kind::List:
    case Node::Kind::Map: to[name] = to_json(field.node()).dump(); return; // as PM2: structures travel as JSON
    }
}

/// "A=b C='d e'".
void assignments(Variables& to, const Field& field)
{
    const auto words = words_from(field.node().text);
    if (!words) return field.fault("a quote in this line is never closed");
    for (const std::string& word : *words) {
        const auto equals = word.find('=');
        if (equals == std::string::npos || equals == 0)
            return field.fault(fmt::format("expected NAME=value, not '{}'", base::printable(word.substr(0, 40))));
        to[word.substr(0, equals)] = word.substr(equals + 1);
    }
}

void variables(Variables& to, const Field& field)
{
    if (field.is(Node::Kind::Map))
        field.each_entry([&](const std::string& name, const Field& value) { variable(to, name, value); });
    else if (field.is(Node::Kind::Scalar))
        assignments(to, field);
    else
        field.expected("a map of variables, or a line such as 'A=b C=d'");
}

} // namespace

void env(Draft& draft, const Field& field) { variables(draft.spec.env, field); }

bool profile(Draft& draft, std::string_view key, const Field& field)
{
    constexpr std::string_view kPrefix = "env_";
    if (!key.starts_with(kPrefix) || key.size() == kPrefix.size()) return false;
    Variables read;
    if (!field.is(Node::Kind::Null)) variables(read, field);
    if (draft.options.profile.empty() || key.substr(kPrefix.size()) != draft.options.profile) return true;
    draft.has_profile = true;
    draft.profile = std::move(read);
    return true;
}

void env_file(Draft& draft, const Field& field)
{
    if (field.is(Node::Kind::Map)) return field.expected("a path or a list of paths");
    field.each_item([&](const Field& item) {
        std::string path;
        if (!item.text(path)) return;
        const bool optional = path.starts_with('-');
        if (optional) path.erase(0, 1);
        if (!whole_path(draft, path, item)) return;
        // PM2 does not know the key, so there an app runs without the file.
        draft.env_files.push_back((optional || item.report().of_pm2() ? "-" : "") + path);
    });
}

void port(Draft& draft, const Field& field)
{
    std::int64_t port = 0;
    if (field.integer(port, 0, 65'535)) draft.port = std::to_string(port);
}

void filter_env(Draft& draft, const Field& field)
{
    if (field.is(Node::Kind::Scalar)) {
        const auto all = bool_from(field.node().text);
        draft.drop_caller_env = all.value_or(false);
        if (!all && !field.node().text.empty()) draft.drop_variable = field.node().text;
        return;
    }
    std::vector<std::string> parts;
    if (!field.texts(parts)) return;
    for (std::string& part : parts)
        if (!part.empty()) draft.drop_containing.push_back(std::move(part));
}

void variable_name(std::string& to, const Field& field)
{
    std::string name;
    if (!field.text(name)) return;
    if (!name.empty() && !is_variable_name(name)) return field.expected("the name of a variable");
    to = std::move(name);
}

} // namespace pm::config::read
