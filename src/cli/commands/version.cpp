// SPDX-License-Identifier: Apache-2.0
#include "cli/client.hpp"
#include "cli/commands/all.hpp"
#include "pmd-config.h"

#include <fmt/format.h>

namespace pm::cli {
namespace {

class Version final : public Command {
public:
    void declare(OptionSet& options) override { options.notes("example:\n  pmctl version"); }
    int run(Context& context) override
    {
        std::string text = "pmctl " PMD_VERSION "\n";
        if (auto client = Client::connect(
                context, Client::Missing::Look)) // without one, pmctl's own version is all there is to tell
            if (const auto daemon = client->daemon())
                text += fmt::format("pmd {} (pid {}, {})\n", daemon->version, daemon->pid, client->bus());
        return print(text);
    }
};

} // namespace

std::unique_ptr<Command> make_version() { return std::make_unique<Version>(); }

} // namespace pm::cli
