// SPDX-License-Identifier: Apache-2.0
#include "cli/commands/all.hpp"
#include "cli/lifecycle.hpp"

namespace pm::cli {
namespace {

class Scale final : public Command {
public:
    void declare(OptionSet& options) override
    {
        options.argument("APP", app_, "name of the app");
        options.argument("COUNT", count_, "N, +N, -N, max, or max-N (max: one per processor)");
        options.notes("The newest instances leave first.\n\nexamples:\n  pmctl scale web 4\n  pmctl scale web +2\n  pmctl scale web -1");
    }
    int run(Context& context) override
    {
        auto client = Client::connect(context);
        if (!client) return report(client.error());
        const auto done = with_progress(context, "scaling " + app_, [&](Watcher* watcher) -> Outcome<void> {
            const auto count = client->scale(app_, count_, watcher);
            return count ? Outcome<void>{} : failed(count.error());
        });
        if (!done) return explain(*client, done.error(), {app_});
        show_table(context, *client);
        return kDone;
    }

private:
    std::string app_;
    std::string count_;
};

} // namespace

std::unique_ptr<Command> make_scale() { return std::make_unique<Scale>(); }

} // namespace pm::cli
