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
        out("pmctl " PMD_VERSION "\n");
        auto client = Client::connect(context);
        if (!client) return kDone; // pmctl's own version was asked for as well, and told
        if (const auto daemon = client->daemon())
            out(fmt::format("pmd {} (pid {}, {})\n", daemon->version, daemon->pid, client->bus()));
        return kDone;
    }
};

} // namespace

std::unique_ptr<Command> make_version() { return std::make_unique<Version>(); }

} // namespace pm::cli
