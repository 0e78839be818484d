// SPDX-License-Identifier: Apache-2.0
#include "cli/view/describe.hpp"

#include "cli/commands/all.hpp"

#include <fmt/format.h>
#include <map>

namespace pm::cli {
namespace {

class Describe final : public Command {
public:
    void declare(OptionSet& options) override
    {
        options.argument("TARGET", target_, "a name, a namespace, an id, or /regex/ on names");
        options.flag("--json", json_, "an array of objects (pmctl(1) lists the keys)");
        options.flag("--spec", spec_, "the declaration of the app alone, as an app file");
        options.notes("examples:\n  pmctl describe web\n  pmctl describe 0 --json\n  pmctl describe web --spec > web.yaml");
    }
    int run(Context& context) override
    {
        auto client = Client::connect(context);
        if (!client) return report(client.error());
        const auto rows = client->list(target_, true);
        if (!rows) return report(rows.error());
        std::map<std::string, AppInfo> apps;
        for (const Row& row : *rows) {
            if (!apps.contains(row.app)) {
                auto app = client->app(row.app);
                if (!app) return report(app.error());
                apps.emplace(row.app, std::move(*app));
            }
            if (row.pid != 0 && !spec_) apps.at(row.app).custom[row.id] = client->custom(row.id);
        }
        return print(text_of(context, *rows, apps));
    }

private:
    [[nodiscard]] std::string text_of(const Context& context, const std::vector<Row>& rows,
                                      const std::map<std::string, AppInfo>& apps) const
    {
        std::string text;
        if (spec_) {
            for (const auto& [name, app] : apps) text += app.spec;
            return text;
        }
        std::vector<std::pair<Row, AppInfo>> instances;
        for (const Row& row : rows) instances.emplace_back(row, apps.at(row.app));
        if (json_) return describe_json(instances);
        for (const auto& [row, app] : instances) text += (text.empty() ? "" : "\n") + describe_text(row, app, context.out);
        return text;
    }

    std::string target_;
    bool json_ = false;
    bool spec_ = false;
};

} // namespace

std::unique_ptr<Command> make_describe() { return std::make_unique<Describe>(); }

} // namespace pm::cli
