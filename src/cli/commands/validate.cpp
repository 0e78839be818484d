// SPDX-License-Identifier: Apache-2.0
#include "cli/app_text.hpp"
#include "cli/commands/all.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace pm::cli {
namespace {

class Validate final : public Command {
public:
    void declare(OptionSet& options) override
    {
        options.arguments("FILE", files_, true, "app files, - for stdin");
        options.text("--env", profile_, "PROFILE", "check with env_PROFILE merged into env");
        options.flag("--strict", strict_, "in files of PM2's names, what PM2 leaves out silently is a fault");
        options.notes("Needs no pmd. Exit status 2 when a file has faults.\n\nexamples:\n  pmctl validate app.yaml\n"
                      "  pmctl validate ecosystem.config.js --strict");
    }
    int run(Context& context) override
    {
        int status = kDone;
        for (const std::string& file : files_) {
            auto text = read_app_text(context, file, strict_);
            if (!text) {
                status = report(text.error());
                continue;
            }
            if (!check_app_text(context, *text, {profile_.value_or(""), {}, {}}))
                status = kUsage;
            else if (!context.globals.silent)
                status = std::max(status, print(fmt::format("{}: valid, {} app{}\n", text->shown, text->names.size(),
                                                            text->names.size() == 1 ? "" : "s")));
        }
        return status;
    }

private:
    std::vector<std::string> files_;
    std::optional<std::string> profile_;
    bool strict_ = false;
};

} // namespace

std::unique_ptr<Command> make_validate() { return std::make_unique<Validate>(); }

} // namespace pm::cli
