// SPDX-License-Identifier: Apache-2.0
#include "cli/client.hpp"
#include "cli/commands/all.hpp"

#include <fmt/format.h>

namespace pm::cli {
namespace {

class Ping final : public Command {
public:
    void declare(OptionSet& options) override { options.notes("Exit status 3 when no pmd answers.\n\nexample:\n  pmctl ping"); }
    int run(Context& context) override
    {
        auto client = Client::connect(context, Client::Missing::Look);
        if (!client) return report(client.error());
        const auto daemon = client->daemon();
        if (!daemon) return report(daemon.error());
        if (context.globals.silent) return kDone;
        return print(fmt::format("pmd {} answers: pid {}, {} apps, {} instances ({})\n", daemon->version, daemon->pid,
                                 daemon->apps, daemon->instances, client->bus()));
    }
};

} // namespace

std::unique_ptr<Command> make_ping() { return std::make_unique<Ping>(); }

} // namespace pm::cli
