// SPDX-License-Identifier: Apache-2.0
#include "cli/client.hpp"
#include "cli/commands/all.hpp"

namespace pm::cli {
namespace {

class Ids final : public Command {
public:
    void declare(OptionSet& options) override
    {
        options.argument("TARGET", target_, "a name, a namespace, or /regex/ on names");
        options.notes("One id a line.\n\nexample:\n  pmctl id web");
    }
    int run(Context& context) override
    {
        auto client = Client::connect(context);
        if (!client) return report(client.error());
        const auto rows = client->list(target_, false);
        if (!rows) return report(rows.error());
        std::string text;
        for (const Row& row : *rows) text += std::to_string(row.id) + "\n";
        return print(text);
    }

private:
    std::string target_;
};

} // namespace

std::unique_ptr<Command> make_id() { return std::make_unique<Ids>(); }

} // namespace pm::cli
