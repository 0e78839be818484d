// SPDX-License-Identifier: Apache-2.0
// What a key is, and reading a map by a table of keys: aliases, camelCase, unknown keys, what is not supported yet.
#pragma once

#include "config/field.hpp"

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace pm::config {

enum class Support {
    Now,
    Later,   ///< known and checked, then refused unless it asks for nothing
    Ignored, ///< PM2's, without a meaning here: a warning
};

/// The form of a value, for the JSON schema and the man page; the readers are what checks.
enum class Shape {
    Memory, Tasks, CountOrInfinity, LimitScope, Sandbox,
    Text, Words, Texts, Bool, Count, Port, Instances, ExecMode, Env, FilterEnv, Account, ExitCodes, Duration, Size,
    Signal, KillMode, BoolOrText, StreamFile, LogType, Umask, Nice, OomScore, Rlimits, Launcher, LogTarget, Cron, Watch, Listen, SocketType,
    Cluster, Balance, Ready, ReloadMode, OnUnhealthy, Drain, DependsOn, Stdio, Percent, Weight, Object, BusKind, LauncherKind, LogLevel, Anything,
};

struct Key {
    std::string_view name;
    std::array<std::string_view, 4> aliases; ///< the rest empty
    Support support = Support::Now;
    Shape shape = Shape::Anything;
    std::string_view fallback;               ///< the default, as the manual shows it; empty: none
    std::string_view meaning;                ///< one or two sentences for people
};

template <typename Target>
struct Attribute {
    Key key;
    void (*read)(Target&, const Field&) = nullptr; ///< checks and stores; null for ignored keys
};

/// "maxRestarts" for "max_restarts".
[[nodiscard]] std::string camel_case(std::string_view name);
/// Every way to write the key but the name itself: aliases, and the camelCase forms of all.
[[nodiscard]] std::vector<std::string> other_spellings(const Key& key);

/// Finds the row of a key as written, and the nearest when there is none.
class KeyIndex {
public:
    explicit KeyIndex(std::vector<const Key*> keys);
    [[nodiscard]] std::optional<std::size_t> row(std::string_view written) const;
    [[nodiscard]] std::optional<std::string_view> suggestion(std::string_view written) const;
    [[nodiscard]] const Key& key(std::size_t row) const { return *keys_[row]; }
    [[nodiscard]] std::size_t size() const noexcept { return keys_.size(); }

private:
    void add(std::string spelling, std::size_t row);

    std::vector<const Key*> keys_;
    std::unordered_map<std::string, std::size_t> rows_;
    std::vector<std::string> spellings_;
};

void report_unknown_key(const KeyIndex& index, std::string_view key, const Field& field);
/// A spelling of a key that was met, and its value.
struct Given {
    std::string_view spelling;
    const Node* value = nullptr; ///< null: the key was not met yet
};
/// False when the rest of reading this entry is in vain; `first` came before.
[[nodiscard]] bool begin_key(const Key& key, const Given& first, const Field& field);
/// Whether `map`, of a file of PM2's, gives the key by its own name too, which there wins over `written`.
[[nodiscard]] bool yields_to_name(const Key& key, std::string_view written, const Node& map, const Field& field);
/// Whether PM2 acts upon an app's key of this name.
[[nodiscard]] bool pm2_knows(std::string_view name);
void refuse_unsupported(const Key& key, const Field& field);

template <typename Target>
class KeyTable {
public:
    /// `empty_is_unset` says of a key's name whether an empty text is as if the key were not there, as what
    /// `process.env.X || ''` leaves; null: of none.
    explicit KeyTable(std::span<const Attribute<Target>> rows, bool (*empty_is_unset)(std::string_view name) = nullptr)
        : rows_(rows), index_(keys_of(rows)), empty_is_unset_(empty_is_unset) {}

    [[nodiscard]] std::span<const Attribute<Target>> rows() const noexcept { return rows_; }
    [[nodiscard]] const KeyIndex& index() const noexcept { return index_; }

    /// Reads a map; `other(key, field)` is asked first about keys that the table has not, and says whether it took it.
    template <typename Other>
    void read(Target& target, const Field& map, Other&& other) const
    {
        if (!map.is(Node::Kind::Map)) return map.expected("a map");
        std::vector<Given> given(rows_.size());
        map.each_entry([&](const std::string& written, const Field& field) {
            const auto row = index_.row(written);
            if (!row) {
                if (!other(written, field)) report_unknown_key(index_, written, field);
                return;
            }
            const Key& key = rows_[*row].key;
            if (is_unset(key, field) || yields_to_name(key, written, map.node(), field) || !begin_key(key, given[*row], field)) return;
            given[*row] = {written, &field.node()};
            if (field.report().of_pm2() && !pm2_knows(key.name) && !makes_sense(*row, target, field)) return;
            const std::size_t faults = field.report().faults();
            const bool later = key.support == Support::Later;
            if (later && field.asks_for_nothing()) return;
            rows_[*row].read(target, field);
            if (later && field.report().faults() == faults) refuse_unsupported(key, field);
        });
    }
    void read(Target& target, const Field& map) const
    {
        read(target, map, [](std::string_view, const Field&) { return false; });
    }

private:
    /// Of a key that PM2 does not know, in a file of PM2's: false when its value says nothing to us, which is told.
    [[nodiscard]] bool makes_sense(std::size_t row, const Target& target, const Field& field) const
    {
        const Report::Lenient lenient(field.report());
        const std::size_t before = field.report().lenient_faults();
        const bool later = rows_[row].key.support == Support::Later;
        if (later && field.asks_for_nothing()) return true;
        Target scratch(target);
        rows_[row].read(scratch, field);
        if (later) refuse_unsupported(rows_[row].key, field);
        return field.report().lenient_faults() == before;
    }
    [[nodiscard]] bool is_unset(const Key& key, const Field& field) const
    {
        return field.is(Node::Kind::Scalar) && field.node().text.empty() && empty_is_unset_ != nullptr && empty_is_unset_(key.name);
    }
    static std::vector<const Key*> keys_of(std::span<const Attribute<Target>> rows)
    {
        std::vector<const Key*> keys;
        for (const Attribute<Target>& row : rows) keys.push_back(&row.key);
        return keys;
    }

    std::span<const Attribute<Target>> rows_;
    KeyIndex index_;
    bool (*empty_is_unset_)(std::string_view name);
};

} // namespace pm::config
