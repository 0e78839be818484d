// SPDX-License-Identifier: Apache-2.0
#include "cli/client.hpp"
#include "cli/commands/all.hpp"
#include "cli/interrupt.hpp"
#include "cli/log_view.hpp"
#include "cli/logs/message_feed.hpp"

namespace pm::cli {
namespace {

class Messages final : public Command {
public:
    void declare(OptionSet& options) override
    {
        options.optional_argument("TARGET", target_, "all (default), a name, a namespace, an id, or /regex/ on names");
        options.number("-n,--count", count_, "N", "end after N messages");
        options.flag("--json", json_, "an object a line with app, id, slot, message and time");
        options.notes(
            R"(Shows what Node apps send with process.send(), and others with 'channel: true' write to NODE_CHANNEL_FD, from now on. Custom
metrics and actions are not among it. Ends with Ctrl-C (exit status 0), or with status 3 when pmd ends.

examples:
  pmctl messages web
  pmctl messages --json --count 1)");
    }
    int run(Context& context) override
    {
        if (count_ == 0U) return report({kUsage, "--count: 0 messages are none; give 1 or more"});
        auto client = Client::connect(context);
        if (!client) return report(client.error());
        const Interrupt interrupt;
        const std::string target = target_.empty() ? "all" : target_;
        auto stream = client->open_messages(target, false);
        if (!stream && target == "all" && may_come(target, stream.error())) {
            warn(stream.error().message + "; waiting until there is");
            stream = client->open_messages(target, true);
        }
        if (!stream) return report(stream.error());
        MessageFeed feed(std::move(*stream), json_, count_);
        const auto end = view_logs({&feed}, {}, interrupt);
        if (!end) return report(end.error());
        return *end == ViewEnd::StreamsEnded && feed.is_complete() ? kDone : status_of(*end);
    }

private:
    std::string target_;
    std::optional<std::uint32_t> count_;
    bool json_ = false;
};

} // namespace

std::unique_ptr<Command> make_messages()
{
    return std::make_unique<Messages>();
}

} // namespace pm::cli
