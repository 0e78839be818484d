// SPDX-License-Identifier: Apache-2.0
#include "cli/commands/all.hpp"
#include "cli/lifecycle.hpp"

namespace pm::cli {
namespace {

class Reset final : public Command {
public:
    void declare(OptionSet& options) override
    {
        options.arguments("TARGET", targets_, true, "all, a name, a namespace, an id, or /regex/ on names");
        options.notes("examples:\n  pmctl reset web\n  pmctl reset all");
    }
    int run(Context& context) override
    {
        auto client = Client::connect(context);
        if (!client) return report(client.error());
        int status = kDone;
        for (const std::string& target : targets_)
            if (const auto done = client->reset(target); !done) status = report(done.error());
        if (status == kDone) show_table(context, *client);
        return status;
    }

private:
    std::vector<std::string> targets_;
};

} // namespace

std::unique_ptr<Command> make_reset() { return std::make_unique<Reset>(); }

} // namespace pm::cli
