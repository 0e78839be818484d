// SPDX-License-Identifier: Apache-2.0
#include "cli/commands/all.hpp"
#include "cli/lifecycle.hpp"

namespace pm::cli {
namespace {

class Reload final : public Command {
public:
    void declare(OptionSet& options) override
    {
        options.arguments("TARGET", targets_, true, "all, a name, a namespace, an id, /regex/ on names, a script, or an app file");
        options.list("--only", files_.only, "NAMES", "only these apps of the file");
        options.text("--env", files_.profile, "PROFILE", "merge env_PROFILE of the file into env");
        options.flag("--strict", files_.strict, "in files of PM2's names, what PM2 leaves out silently is a fault");
        options.notes(R"(Replaces one instance after the other by a new process: where instances share what they listen on ('listen', 'cluster'), the new
one is ready before the old one is told to go, and no request is lost; other apps are stopped and started. The first failure
ends it, and what was not replaced serves on. An app file is loaded first, so that what it changes holds.

examples:
  pmctl reload web
  pmctl reload app.yaml --env production
  pmctl reload all)");
    }

    int run(Context& context) override { return apply_all(context, "Reload", "reloading", targets_, files_); }

private:
    std::vector<std::string> targets_;
    FileOptions files_;
};

} // namespace

std::unique_ptr<Command> make_reload() { return std::make_unique<Reload>(); }

} // namespace pm::cli
