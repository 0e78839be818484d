// SPDX-License-Identifier: Apache-2.0
// One verb of pmctl: it declares its options, then runs and gives the exit status. commands/<verb>.cpp has one each.
#pragma once

#include "cli/context.hpp"
#include "cli/options.hpp"

#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace pm::cli {

class Command {
public:
    virtual ~Command() = default;
    virtual void declare(OptionSet& options) = 0;
    virtual int run(Context& context) = 0;
};

struct Verb {
    std::string_view name;
    std::vector<std::string_view> aliases;
    std::string_view summary;
    std::unique_ptr<Command> (*make)();
};

/// All verbs in the order of the overview.
[[nodiscard]] std::span<const Verb> verbs();
/// By name or alias; null for an unknown word.
[[nodiscard]] const Verb* find_verb(std::string_view word);

} // namespace pm::cli
