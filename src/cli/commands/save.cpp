// SPDX-License-Identifier: Apache-2.0
#include "cli/commands/all.hpp"
#include "cli/lifecycle.hpp"

#include <fmt/format.h>

namespace pm::cli {
namespace {

class Save final : public Command {
public:
    void declare(OptionSet& options) override
    {
        options.notes("The apps as they are now start again at the next boot, and with 'pmctl resurrect'.\n"
                      "An app that is deleted later is forgotten.\n\nexample:\n  pmctl save");
    }
    int run(Context& context) override
    {
        auto client = Client::connect(context);
        if (!client) return report(client.error());
        const auto count = client->save();
        if (!count) return report(count.error());
        if (context.globals.silent) return kDone;
        return print(fmt::format("{} app{} saved\n", *count, *count == 1 ? "" : "s"));
    }
};

} // namespace

std::unique_ptr<Command> make_save() { return std::make_unique<Save>(); }

} // namespace pm::cli
