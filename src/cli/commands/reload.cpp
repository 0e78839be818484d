// SPDX-License-Identifier: Apache-2.0
#include "cli/app_lookup.hpp"
#include "cli/app_text.hpp"
#include "cli/commands/all.hpp"
#include "cli/lifecycle.hpp"

#include "base/text.hpp"

#include <fmt/format.h>

namespace pm::cli {
namespace {

class Reload final : public Command {
public:
    void declare(OptionSet& options) override
    {
        options.arguments("TARGET", targets_, true, "all, a name, a namespace, an id, /regex/ on names, a script, or an app file");
        options.list("--only", only_, "NAMES", "only these apps of the file");
        options.text("--env", profile_, "PROFILE", "merge env_PROFILE of the file into env");
        options.notes(R"(Replaces one instance after the other by a new process: where instances share what they listen on ('listen', 'cluster'), the new
one is ready before the old one is told to go, and no request is lost; other apps are stopped and started. The first failure
ends it, and what was not replaced serves on. An app file is loaded first, so that what it changes holds.

examples:
  pmctl reload web
  pmctl reload app.yaml --env production
  pmctl reload all)");
    }

    int run(Context& context) override
    {
        std::vector<std::string> files;
        std::vector<std::string> others;
        for (const std::string& target : targets_) (kind_of(target) == WordKind::AppFile ? files : others).push_back(target);
        if (files.empty() && (profile_ || !only_.empty()))
            return report({kUsage, fmt::format("'{}' is for app files, and none is named", profile_ ? "--env" : "--only")});
        int status = kDone;
        for (const std::string& file : files)
            if (const int failed_with = reload_file(context, file); status == kDone) status = failed_with;
        if (status == kNoDaemon || (others.empty() && status != kDone)) return status;
        if (!others.empty())
            if (const int failed_with = operate_all(context, "Reload", "reloading", others, {}); status == kDone) status = failed_with;
        return status;
    }

private:
    int reload_file(Context& context, const std::string& file) const
    {
        auto text = read_app_text(context, file);
        if (!text) return report(text.error());
        if (!check_app_text(context, *text, {profile_.value_or(""), only_, ""})) return kUsage;
        auto client = Client::connect(context);
        if (!client) return report(client.error());
        LoadOptions options{profile_.value_or(""), only_, "", text->directory};
        options.reload = true;
        const auto done = with_progress(context, "reloading " + base::join(text->names, ", "), [&](Watcher* watcher) {
            return client->load(text->text, text->origin, options, watcher);
        });
        if (!done) return explain(*client, done.error(), text->names);
        show_reload_hints(context, *client, text->names);
        show_table(context, *client);
        return kDone;
    }

    std::vector<std::string> targets_;
    std::vector<std::string> only_;
    std::optional<std::string> profile_;
};

} // namespace

std::unique_ptr<Command> make_reload() { return std::make_unique<Reload>(); }

} // namespace pm::cli
