// SPDX-License-Identifier: Apache-2.0
// The text as a tree of our own nodes, each with its place. The only door to yaml-cpp.
//
// Here die: syntax errors, duplicate keys (yaml-cpp keeps both), keys that are no scalars, aliases that grow beyond
// bounds or contain themselves, deep nesting, several documents, and text that is not UTF-8. Merge keys ("<<") are done
// here too, so nobody above knows of them.
#pragma once

#include "config/report.hpp"

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace pm::config {

struct Node {
    enum class Kind { Null, Scalar, List, Map };
    /// Of a list the key is empty and its mark the value's.
    struct Entry {
        std::string key;
        Mark key_mark;
        const Node* value = nullptr;
    };

    Kind kind = Kind::Null;
    bool plain = false;   ///< a scalar without quotes: it may be a number, true, false
    Mark mark;
    std::string text;     ///< of a scalar, as written; of a null that was written NULL, that
    std::vector<Entry> entries;
    std::size_t weight = 1; ///< nodes below and including this one, with every alias counted as what it stands for
    std::size_t bytes = 0;  ///< of texts and keys, counted the same way

    /// The value of a map's key; nullptr when it has none.
    [[nodiscard]] const Node* find(std::string_view key) const noexcept;
};

/// Whether both mean the same; of scalars their texts count, quoted or not.
[[nodiscard]] bool same_value(const Node& left, const Node& right) noexcept;

/// Owns the nodes; they stay where they are. An alias is the same node twice.
struct Tree {
    std::deque<Node> nodes;
    const Node* root = nullptr; ///< nullptr when the text holds nothing
};

struct TreeLimits {
    std::size_t max_bytes = 4u << 20;
    std::size_t max_depth = 64;
    std::size_t max_nodes = 500'000;       ///< with aliases counted as what they stand for
    std::size_t max_scalar = 128u << 10;   ///< bytes; execve(2) takes no longer argument or variable
    std::size_t max_top_items = 10'000;    ///< of a list that is the root or directly below it: the apps
};

/// Faults go to `report`; the tree is then not to be used.
[[nodiscard]] Tree read_yaml(std::string_view text, const TreeLimits& limits, Report& report);

} // namespace pm::config
