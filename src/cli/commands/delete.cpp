// SPDX-License-Identifier: Apache-2.0
#include "cli/commands/all.hpp"
#include "cli/lifecycle.hpp"

namespace pm::cli {
namespace {

class Delete final : public Command {
public:
    void declare(OptionSet& options) override
    {
        options.arguments("TARGET", targets_, true, "all, a name, a namespace, an id, /regex/ on names, a script, or an app file");
        options.text("--env", files_.profile, "PROFILE", "the names of the file's apps as with env_PROFILE (append_env_to_name)");
        options.list("--only", files_.only, "NAMES", "only these apps of the file");
        options.notes(R"(The log files stay.

examples:
  pmctl delete web
  pmctl delete app.yaml
  pmctl delete all)");
    }
    int run(Context& context) override { return operate_all(context, "Delete", "deleting", targets_, files_); }

private:
    std::vector<std::string> targets_;
    FileOptions files_;
};

} // namespace

std::unique_ptr<Command> make_delete() { return std::make_unique<Delete>(); }

} // namespace pm::cli
