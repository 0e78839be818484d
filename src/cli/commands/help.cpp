// SPDX-License-Identifier: Apache-2.0
#include "cli/commands/all.hpp"
#include "cli/program.hpp"

namespace pm::cli {
namespace {

class Help final : public Command {
public:
    void declare(OptionSet& options) override
    {
        options.optional_argument("COMMAND", verb_, "the command to explain");
        options.notes("example:\n  pmctl help start");
    }
    int run(Context&) override
    {
        if (verb_.empty()) return print(overview());
        const Verb* verb = find_verb(verb_);
        if (verb == nullptr) return report({kUsage, unknown_verb(verb_)});
        return print(help_of(*verb));
    }

private:
    std::string verb_;
};

} // namespace

std::unique_ptr<Command> make_help() { return std::make_unique<Help>(); }

} // namespace pm::cli
