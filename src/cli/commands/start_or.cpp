// SPDX-License-Identifier: Apache-2.0
// startOrRestart and startOrReload: PM2's names for bringing an app file into force, whatever of it runs already.
#include "cli/commands/all.hpp"
#include "cli/lifecycle.hpp"

namespace pm::cli {
namespace {

class StartOr final : public Command {
public:
    StartOr(std::string method, std::string notes) : method_(std::move(method)), notes_(std::move(notes)) {}

    void declare(OptionSet& options) override
    {
        options.arguments("FILE", words_, true, "app files, - for stdin");
        options.list("--only", files_.only, "NAMES", "only these apps of the file");
        options.text("--env", files_.profile, "PROFILE", "merge env_PROFILE of the file into env");
        options.flag("--strict", files_.strict, "in files of PM2's names, what PM2 leaves out silently is a fault");
        options.notes(notes_);
    }
    int run(Context& context) override
    {
        int status = kDone;
        for (const std::string& file : words_)
            if (const int failed_with = apply_file(context, method_, file, files_, true); status == kDone) status = failed_with;
        return status;
    }

private:
    std::string method_;
    std::string notes_;
    std::vector<std::string> words_;
    FileOptions files_;
};

} // namespace

std::unique_ptr<Command> make_start_or_restart()
{
    return std::make_unique<StartOr>("Restart", R"(Starts the apps of the file that are not there, and restarts the others. Starts a pmd where none runs.

examples:
  pmctl startOrRestart ecosystem.config.js --env production)");
}

std::unique_ptr<Command> make_start_or_reload()
{
    return std::make_unique<StartOr>("Reload", R"(Starts the apps of the file that are not there, and reloads the others, as 'pmctl reload' does. Starts a pmd where none
runs.

examples:
  pmctl startOrReload ecosystem.config.js --env production)");
}

} // namespace pm::cli
