// SPDX-License-Identifier: Apache-2.0
#include "cli/commands/all.hpp"
#include "cli/lifecycle.hpp"

namespace pm::cli {
namespace {

class Restart final : public Command {
public:
    void declare(OptionSet& options) override
    {
        options.arguments("TARGET", targets_, true, "all, a name, a namespace, an id, /regex/ on names, a script, or an app file");
        options.list("--only", only_, "NAMES", "only these apps of the file");
        options.notes(R"(What is stopped is started.

examples:
  pmctl restart web
  pmctl restart app.yaml
  pmctl restart all)");
    }
    int run(Context& context) override { return operate_all(context, "Restart", "restarting", targets_, only_); }

private:
    std::vector<std::string> targets_;
    std::vector<std::string> only_;
};

} // namespace

std::unique_ptr<Command> make_restart() { return std::make_unique<Restart>(); }

} // namespace pm::cli
