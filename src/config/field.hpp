// SPDX-License-Identifier: Apache-2.0
// One value of the file at its place: reading it as a type stores it or reports why not.
//
// Every reader of a type leaves its target alone when the value is wrong, so that reading goes on and finds more faults.
#pragma once

#include "config/report.hpp"
#include "config/yaml_tree.hpp"
#include "model/app_spec.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pm::config {

class Field {
public:
    /// All must outlive the field.
    Field(const Node& node, Mark key_mark, const Path& path, Report& report)
        : node_(node), key_mark_(key_mark), path_(path), report_(report) {}

    [[nodiscard]] const Node& node() const noexcept { return node_; }
    [[nodiscard]] Mark key_mark() const noexcept { return key_mark_; }
    [[nodiscard]] const Path& path() const noexcept { return path_; }
    [[nodiscard]] Report& report() const noexcept { return report_; }
    [[nodiscard]] bool is(Node::Kind kind) const noexcept { return node_.kind == kind; }
    /// null, false, 0 (of whatever unit), an empty text, list or map: the key is there and asks for nothing.
    [[nodiscard]] bool asks_for_nothing() const noexcept;

    void fault(std::string message) const { report_.fault(node_.mark, path_, std::move(message)); }
    void key_fault(std::string message) const { report_.fault(key_mark_, path_, std::move(message)); }
    void key_warning(std::string message) const { report_.warning(key_mark_, path_, std::move(message)); }
    /// Report::left_out() at the key.
    void key_left_out(std::string message) const { report_.left_out(key_mark_, path_, std::move(message)); }
    /// "expected true or false, not 'yes'".
    void expected(std::string_view what) const;

    bool text(std::string& to) const;
    bool boolean(bool& to) const;
    bool integer(std::int64_t& to, std::int64_t least, std::int64_t most) const;
    bool duration(model::Milliseconds& to) const;
    bool size(std::uint64_t& to) const;
    /// One of `words`.
    bool word(std::string& to, std::span<const std::string_view> words) const;
    /// A list of texts, or one text.
    bool texts(std::vector<std::string>& to) const;
    /// A list of texts, or one text split into words as a shell would.
    bool words(std::vector<std::string>& to) const;

    /// The elements of a list; a single value is a list of one.
    template <typename Visit>
    void each_item(Visit&& visit) const
    {
        if (!is(Node::Kind::List)) return visit(*this);
        for (std::size_t index = 0; index < node_.entries.size(); ++index) {
            const Node::Entry& entry = node_.entries[index];
            const Path place(path_, index);
            visit(Field(*entry.value, entry.key_mark, place, report_));
        }
    }
    /// The entries of a map, as visit(key, value).
    template <typename Visit>
    void each_entry(Visit&& visit) const
    {
        for (const Node::Entry& entry : node_.entries) {
            const Path place(path_, entry.key);
            visit(entry.key, Field(*entry.value, entry.key_mark, place, report_));
        }
    }

private:
    const Node& node_;
    Mark key_mark_;
    const Path& path_;
    Report& report_;
};

} // namespace pm::config
