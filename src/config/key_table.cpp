// SPDX-License-Identifier: Apache-2.0
#include "config/key_table.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace pm::config {
namespace {

/// No key is longer, so nothing longer is near to one.
constexpr std::size_t kMaxKey = 40;

} // namespace

std::string camel_case(std::string_view name)
{
    std::string camel;
    for (std::size_t at = 0; at < name.size(); ++at) {
        const bool joint = name[at] == '_' && at > 0 && at + 1 < name.size() && name[at + 1] >= 'a' && name[at + 1] <= 'z';
        if (joint)
            camel += static_cast<char>(name[++at] - 'a' + 'A');
        else
            camel += name[at];
    }
    return camel;
}

std::vector<std::string> other_spellings(const Key& key)
{
    std::vector<std::string> spellings;
    const auto add = [&](std::string spelling) {
        const bool known = spelling == key.name || std::find(spellings.begin(), spellings.end(), spelling) != spellings.end();
        if (!known && !spelling.empty()) spellings.push_back(std::move(spelling));
    };
    for (const std::string_view alias : key.aliases) add(std::string(alias));
    add(camel_case(key.name));
    for (const std::string_view alias : key.aliases) add(camel_case(alias));
    return spellings;
}

KeyIndex::KeyIndex(std::vector<const Key*> keys) : keys_(std::move(keys))
{
    for (std::size_t row = 0; row < keys_.size(); ++row) add(std::string(keys_[row]->name), row);
    for (std::size_t row = 0; row < keys_.size(); ++row)
        for (std::string& spelling : other_spellings(*keys_[row])) add(std::move(spelling), row);
}

void KeyIndex::add(std::string spelling, std::size_t row)
{
    spellings_.push_back(spelling);
    rows_.emplace(std::move(spelling), row);
}

std::optional<std::size_t> KeyIndex::row(std::string_view written) const
{
    if (written.size() > kMaxKey) return std::nullopt;
    const auto found = rows_.find(std::string(written));
    return found == rows_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<std::string_view> KeyIndex::suggestion(std::string_view written) const
{
    if (written.size() > kMaxKey) return std::nullopt;
    const std::vector<std::string_view> candidates(spellings_.begin(), spellings_.end());
    return base::nearest(written, candidates);
}

void report_unknown_key(const KeyIndex& index, std::string_view key, const Field& field)
{
    if (field.report().faults() > Report::kMaxDiagnostics) return field.key_fault({}); // only counted: no search
    const auto suggestion = index.suggestion(key);
    field.key_left_out(suggestion ? fmt::format("unknown key, did you mean '{}'?", *suggestion) : "unknown key");
}

bool begin_key(const Key& key, const Given& first, const Field& field)
{
    if (first.value != nullptr) {
        if (!same_value(*first.value, field.node()))
            field.key_left_out(fmt::format("means the same as '{}', which is given too with another value", first.spelling));
        return false;
    }
    if (key.support == Support::Ignored) {
        field.key_warning(fmt::format("ignored: {}", key.meaning));
        return false;
    }
    // "key:" alone is as if it were not there; but NULL is what PM2 writes for a file that is not wanted.
    return !field.is(Node::Kind::Null) || (key.shape == Shape::StreamFile && field.node().text == "NULL");
}

bool yields_to_name(const Key& key, std::string_view written, const Node& map, const Field& field)
{
    const std::string_view name = key.name == "interpreter" ? "exec_interpreter" : key.name; // what PM2 takes for the name itself
    if (!field.report().of_pm2() || written == name) return false;
    const Node* named = map.find(name);
    if (named == nullptr || named->kind == Node::Kind::Null || (named->kind == Node::Kind::Scalar && named->text.empty())) return false;
    if (!same_value(*named, field.node())) field.key_left_out(fmt::format("means the same as '{}', which is given too with another value", name));
    return true;
}

bool pm2_knows(std::string_view name)
{
    constexpr std::string_view kOurs[] = {"launcher", "env_file", "listen", "umask", "nice", "oom_score_adj", "rlimits", "limits",
                                          "sandbox", "depends_on", "cluster", "balance", "ready", "health", "watchdog", "channel", "drain",
                                          "reload", "kill_signal", "kill_mode", "logs", "owner", "stdin", "stdout", "stderr"};
    return std::ranges::find(kOurs, name) == std::ranges::end(kOurs);
}

void refuse_unsupported(const Key& key, const Field& field)
{
    field.key_fault(key.shape == Shape::Size ? fmt::format("not supported yet: take it out, or write '{}: 0'", key.name) : "not supported yet");
}

} // namespace pm::config
