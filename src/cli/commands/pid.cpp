// SPDX-License-Identifier: Apache-2.0
#include "cli/client.hpp"
#include "cli/commands/all.hpp"

namespace pm::cli {
namespace {

class Pids final : public Command {
public:
    void declare(OptionSet& options) override
    {
        options.optional_argument("TARGET", target_, "a name, a namespace, an id, or /regex/ on names");
        options.notes("One process id a line, 0 for an instance that does not run; without TARGET that of pmd.\n\n"
                      "example:\n  pmctl pid web");
    }
    int run(Context& context) override
    {
        auto client = Client::connect(context);
        if (!client) return report(client.error());
        if (target_.empty()) {
            const auto daemon = client->daemon();
            if (!daemon) return report(daemon.error());
            return print(std::to_string(daemon->pid) + "\n");
        }
        const auto rows = client->list(target_, false);
        if (!rows) return report(rows.error());
        std::string text;
        for (const Row& row : *rows) text += std::to_string(row.pid) + "\n";
        return print(text);
    }

private:
    std::string target_;
};

} // namespace

std::unique_ptr<Command> make_pid() { return std::make_unique<Pids>(); }

} // namespace pm::cli
