// SPDX-License-Identifier: Apache-2.0
#include "cli/client.hpp"
#include "cli/commands/all.hpp"
#include "cli/view/replies.hpp"
#include "config/values.hpp"

#include <chrono>
#include <fmt/format.h>

namespace pm::cli {
namespace {

constexpr std::chrono::milliseconds kTimeout{8000};
constexpr std::chrono::hours kLongest{1};

class Trigger final : public Command {
public:
    void declare(OptionSet& options) override
    {
        options.argument("TARGET", target_, "all, a name, a namespace, an id, or /regex/ on names");
        options.argument("ACTION", action_, "the name of an action; 'pmctl describe' shows them");
        options.optional_argument("PARAM", param_, "a text for the action");
        options.text("--timeout", timeout_, "TIME", "how long to wait for a reply (8s)");
        options.flag("--json", json_, "an array of objects with id, name, reply and error");
        options.notes(R"(Calls an action that Node apps offer with @pm2/io or tx2, and others by PM2's messages (pmd.app(5), MESSAGES). Processes of
the target that do not have it are passed over. Ends with 1 when one of the others did not reply.

examples:
  pmctl trigger web flush-cache
  pmctl trigger 0 log-level debug --timeout 30s)");
    }
    int run(Context& context) override
    {
        const auto timeout = timeout_ ? config::duration_from(*timeout_) : kTimeout;
        if (!timeout || timeout->count() <= 0 || *timeout > kLongest)
            return report({kUsage, fmt::format("--timeout: '{}' is not a time from 1ms to 1h, such as 30s", timeout_.value_or(""))});
        auto client = Client::connect(context);
        if (!client) return report(client.error());
        const auto replies = client->trigger(target_, action_, param_, static_cast<std::uint64_t>(timeout->count()) * 1000);
        return replies ? show(*replies) : report(replies.error());
    }

private:
    [[nodiscard]] int show(const std::vector<ActionReply>& replies) const
    {
        int status = print(json_ ? replies_json(replies) : replies_text(replies));
        for (const std::string& fault : reply_faults(replies)) status = report({kFailed, fault});
        return status;
    }

    std::string target_;
    std::string action_;
    std::string param_;
    std::optional<std::string> timeout_;
    bool json_ = false;
};

} // namespace

std::unique_ptr<Command> make_trigger() { return std::make_unique<Trigger>(); }

} // namespace pm::cli
