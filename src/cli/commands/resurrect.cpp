// SPDX-License-Identifier: Apache-2.0
#include "cli/commands/all.hpp"
#include "cli/lifecycle.hpp"

namespace pm::cli {
namespace {

class Resurrect final : public Command {
public:
    void declare(OptionSet& options) override
    {
        options.notes("Starts what 'pmctl save' remembered and is not in the list; what was stopped then stays so.\n\n"
                      "example:\n  pmctl resurrect");
    }
    int run(Context& context) override
    {
        auto client = Client::connect(context, Client::Missing::Start);
        if (!client) return report(client.error());
        const auto done =
            with_progress(context, "starting the saved apps", [&](Watcher* watcher) { return client->resurrect(watcher); });
        if (!done) return report(done.error());
        show_table(context, *client);
        return kDone;
    }
};

} // namespace

std::unique_ptr<Command> make_resurrect() { return std::make_unique<Resurrect>(); }

} // namespace pm::cli
