// SPDX-License-Identifier: Apache-2.0
#include "cli/commands/all.hpp"
#include "cli/lifecycle.hpp"

namespace pm::cli {
namespace {

class Kill final : public Command {
public:
    void declare(OptionSet& options) override
    {
        options.notes("Returns when pmd is gone.\n\nexample:\n  pmctl kill");
    }
    int run(Context& context) override
    {
        auto client = Client::connect(context, Client::Missing::Recover);
        if (!client) return report(client.error());
        const auto done =
            with_progress(context, "stopping everything", [&](Watcher* watcher) { return client->exit(watcher); });
        return done ? kDone : report(done.error());
    }
};

} // namespace

std::unique_ptr<Command> make_kill() { return std::make_unique<Kill>(); }

} // namespace pm::cli
