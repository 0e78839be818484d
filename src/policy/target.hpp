// SPDX-License-Identifier: Apache-2.0
// What a command's target can mean (pm2: _operate): "all", "/regex/" on names, a name, the path of a script, a namespace,
// an id.
#pragma once

#include "base/error.hpp"
#include "base/ids.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace pm::policy {

/// A regular expression (RE2's syntax: no back-references, no look-ahead) that hostile text cannot turn against us: its length
/// and that of its compiled form are bounded, and a name is matched in time proportional to its length.
class NamePattern {
public:
    /// Error: InvalidArgument, with the pattern and the fault.
    [[nodiscard]] static base::Result<NamePattern> compile(std::string_view pattern);
    /// True when the pattern is found anywhere in `name`.
    [[nodiscard]] bool matches(std::string_view name) const;

private:
    struct Compiled;
    std::shared_ptr<const Compiled> compiled_;
};

struct Target {
    enum class Kind { All, Pattern, Word } kind = Kind::Word;
    std::string word;                   ///< Word: tried as a name, as the absolute path of a script, as a namespace,
    std::optional<base::InstanceId> id; ///< then as this id, when it is a number
    std::optional<NamePattern> pattern;
};

/// Errors: InvalidArgument (empty, too long, bad pattern).
[[nodiscard]] base::Result<Target> parse_target(std::string_view text);

} // namespace pm::policy
