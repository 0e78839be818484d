// SPDX-License-Identifier: Apache-2.0
#include "cli/commands/all.hpp"
#include "cli/lifecycle.hpp"

namespace pm::cli {
namespace {

class Delete final : public Command {
public:
    void declare(OptionSet& options) override
    {
        options.arguments("TARGET", targets_, true, "all, a name, a namespace, an id, or /regex/ on names");
        options.notes(R"(The log files stay.

examples:
  pmctl delete web
  pmctl delete all)");
    }
    int run(Context& context) override { return operate_all(context, "Delete", "deleting", targets_); }

private:
    std::vector<std::string> targets_;
};

} // namespace

std::unique_ptr<Command> make_delete() { return std::make_unique<Delete>(); }

} // namespace pm::cli
