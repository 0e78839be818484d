// SPDX-License-Identifier: Apache-2.0
#include "base/text.hpp"
#include "cli/client.hpp"
#include "cli/commands/all.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace pm::cli {
namespace {

class Env final : public Command {
public:
    void declare(OptionSet& options) override
    {
        options.argument("TARGET", target_, "the id of an instance, or a name: its first instance that runs");
        options.flag("--json", json_, "an object");
        options.notes("examples:\n  pmctl env 0\n  pmctl env web --json");
    }
    int run(Context& context) override
    {
        auto client = Client::connect(context);
        if (!client) return report(client.error());
        const auto rows = client->list(target_, false);
        if (!rows) return report(rows.error());
        for (const Row& row : *rows) {
            if (row.pid == 0) continue;
            const auto environment = client->environment(row.id);
            if (!environment) return report(environment.error());
            return print(text_of(context, *environment));
        }
        return report({kFailed, fmt::format("nothing of '{0}' runs: there is no environment to show; 'pmctl start {0}' "
                                            "starts it",
                                            target_)});
    }

private:
    [[nodiscard]] std::string text_of(const Context& context, const std::map<std::string, std::string>& environment) const
    {
        if (json_)
            return nlohmann::json(environment).dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
        std::string text;
        for (const auto& [name, value] : environment) {
            const std::string line = name + "=" + value;
            text += (context.out.is_terminal ? base::printable(line) : line) + "\n";
        }
        return text;
    }

    std::string target_;
    bool json_ = false;
};

} // namespace

std::unique_ptr<Command> make_env() { return std::make_unique<Env>(); }

} // namespace pm::cli
