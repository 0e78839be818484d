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
        options.list("--only", files_.only, "NAMES", "only these apps of the file");
        options.text("--env", files_.profile, "PROFILE", "merge env_PROFILE of the file into env");
        options.flag("--watch", watch_, "watch files from now on, or no more where they are watched");
        options.flag("--strict", files_.strict, "in files of PM2's names, what PM2 leaves out silently is a fault");
        options.notes(R"(What is stopped is started. An app file is loaded first, so that what it changes or adds holds.

examples:
  pmctl restart web
  pmctl restart app.yaml
  pmctl restart all)");
    }
    int run(Context& context) override
    {
        const int status = apply_all(context, "Restart", "restarting", targets_, files_);
        return status == kDone && watch_ ? toggle_watching(context, targets_) : status;
    }

private:
    std::vector<std::string> targets_;
    FileOptions files_;
    bool watch_ = false;
};

} // namespace

std::unique_ptr<Command> make_restart() { return std::make_unique<Restart>(); }

} // namespace pm::cli
