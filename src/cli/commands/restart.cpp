// SPDX-License-Identifier: Apache-2.0
#include "cli/commands/all.hpp"
#include "cli/lifecycle.hpp"

namespace pm::cli {
namespace {

class Restart final : public Command {
public:
    void declare(OptionSet& options) override
    {
        options.arguments("TARGET", targets_, true, "all, a name, a namespace, an id, or /regex/ on names");
        options.notes(R"(What is stopped is started.

examples:
  pmctl restart web
  pmctl restart all)");
    }
    int run(Context& context) override { return operate_all(context, "Restart", "restarting", targets_); }

private:
    std::vector<std::string> targets_;
};

} // namespace

std::unique_ptr<Command> make_restart() { return std::make_unique<Restart>(); }

} // namespace pm::cli
