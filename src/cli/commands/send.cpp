// SPDX-License-Identifier: Apache-2.0
#include "cli/client.hpp"
#include "cli/commands/all.hpp"

#include <nlohmann/json.hpp>

namespace pm::cli {
namespace {

/// The message as JSON: what is none is a text.
std::string json_of(const std::string& message)
{
    if (nlohmann::json::accept(message)) return message;
    return nlohmann::json(message).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

class Send final : public Command {
public:
    void declare(OptionSet& options) override
    {
        options.argument("TARGET", target_, "all, a name, a namespace, an id, or /regex/ on names");
        options.argument("MESSAGE", message_, "a JSON value; anything else is sent as a text");
        options.notes(R"(Sends a message over the channel of each instance that runs: what process.on('message') of a Node app hears. Other programs have
a channel with 'channel: true' (NODE_CHANNEL_FD, one JSON value a line).

examples:
  pmctl send web '{"type": "log-level", "level": "debug"}'
  pmctl send 0 reopen)");
    }
    int run(Context& context) override
    {
        auto client = Client::connect(context);
        if (!client) return report(client.error());
        const auto sent = client->send_message(target_, json_of(message_));
        return sent ? kDone : report(sent.error());
    }

private:
    std::string target_;
    std::string message_;
};

} // namespace

std::unique_ptr<Command> make_send() { return std::make_unique<Send>(); }

} // namespace pm::cli
