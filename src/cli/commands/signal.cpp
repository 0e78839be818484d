// SPDX-License-Identifier: Apache-2.0
#include "base/text.hpp"
#include "cli/client.hpp"
#include "cli/commands/all.hpp"

#include <fmt/format.h>

namespace pm::cli {
namespace {

class Signal final : public Command {
public:
    void declare(OptionSet& options) override
    {
        options.argument("SIGNAL", signal_, "SIGUSR2, USR2 or 12");
        options.arguments("TARGET", targets_, true, "all, a name, a namespace, an id, or /regex/ on names");
        options.notes("examples:\n  pmctl signal SIGUSR2 web\n  pmctl signal HUP all");
    }
    int run(Context& context) override
    {
        const auto number = base::signal_number(signal_);
        if (!number) return report({kUsage, fmt::format("'{}' is not a signal", signal_)});
        auto client = Client::connect(context);
        if (!client) return report(client.error());
        int status = kDone;
        for (const std::string& target : targets_)
            if (const auto done = client->signal(target, *number); !done) status = report(done.error());
        return status;
    }

private:
    std::string signal_;
    std::vector<std::string> targets_;
};

} // namespace

std::unique_ptr<Command> make_signal() { return std::make_unique<Signal>(); }

} // namespace pm::cli
