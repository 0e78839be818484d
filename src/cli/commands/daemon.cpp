// SPDX-License-Identifier: Apache-2.0
#include "cli/client.hpp"
#include "cli/commands/all.hpp"

#include <fmt/format.h>

namespace pm::cli {
namespace {

int upgrade(const Context& context)
{
    auto client = Client::connect(context, Client::Missing::Look);
    if (!client) return report(client.error());
    const auto before = client->daemon();
    if (!before) return report(before.error());
    if (const auto done = client->upgrade(); !done) return report(done.error());
    auto next = Client::connect(context, Client::Missing::Look);
    if (!next) return report(next.error());
    const auto after = next->daemon();
    if (!after) return report(after.error());
    if (context.globals.silent) return kDone;
    return print(fmt::format("pmd {} goes on as {}: pid {}, {} apps, {} instances ({})\n", before->version, after->version, after->pid,
                             after->apps, after->instances, client->bus()));
}

class Daemon final : public Command {
public:
    void declare(OptionSet& options) override
    {
        options.argument("ACTION", action_, "upgrade");
        options.notes(R"(upgrade: the pmd that is installed now takes the place of the one that runs, in the same process. Apps run on with their
sockets, output and message channels; returns when the new one answers. One that cannot take over is refused, and nothing happens.

example:
  pmctl daemon upgrade)");
    }
    int run(Context& context) override
    {
        if (action_ == "upgrade") return upgrade(context);
        return report({kUsage, fmt::format("unknown action '{}': expected upgrade", action_)});
    }

private:
    std::string action_;
};

/// PM2's word.
class Update final : public Command {
public:
    void declare(OptionSet& options) override { options.notes("The same as 'pmctl daemon upgrade'.\n\nexample:\n  pmctl update"); }
    int run(Context& context) override { return upgrade(context); }
};

} // namespace

std::unique_ptr<Command> make_daemon() { return std::make_unique<Daemon>(); }

std::unique_ptr<Command> make_update() { return std::make_unique<Update>(); }

} // namespace pm::cli
