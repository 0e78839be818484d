// SPDX-License-Identifier: Apache-2.0
#include "cli/completion_scripts.hpp"

#include "cli/commands/all.hpp"

#include <fmt/format.h>

namespace pm::cli {
namespace {

class Completion final : public Command {
public:
    void declare(OptionSet& options) override
    {
        options.argument("SHELL", shell_, "bash, zsh or fish");
        options.notes("The Debian package installs all three; this is for other places.\n\nexample:\n"
                      "  pmctl completion bash > ~/.local/share/bash-completion/completions/pmctl");
    }
    int run(Context&) override
    {
        if (shell_ == "bash") return print(kBashCompletion);
        if (shell_ == "zsh") return print(kZshCompletion);
        if (shell_ == "fish") return print(kFishCompletion);
        return report({kUsage, fmt::format("no completion for '{}': expected bash, zsh or fish", shell_)});
    }

private:
    std::string shell_;
};

} // namespace

std::unique_ptr<Command> make_completion() { return std::make_unique<Completion>(); }

} // namespace pm::cli
