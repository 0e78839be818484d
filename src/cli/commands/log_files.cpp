// SPDX-License-Identifier: Apache-2.0
// What is done with log files: flush, rotate, reloadLogs.
#include "cli/commands/all.hpp"
#include "cli/lifecycle.hpp"

namespace pm::cli {
namespace {

class LogCommand final : public Command {
public:
    LogCommand(std::string method, std::string notes) : method_(std::move(method)), notes_(std::move(notes)) {}
    void declare(OptionSet& options) override
    {
        options.arguments("TARGET", targets_, false, "all, a name, a namespace, an id, or /regex/ on names (default: all)");
        options.notes(notes_);
    }
    int run(Context& context) override
    {
        auto client = Client::connect(context);
        if (!client) return report(client.error());
        if (targets_.empty()) targets_.emplace_back("all");
        int status = kDone;
        for (const std::string& target : targets_)
            if (const auto done = client->act_on_logs(method_, target); !done) status = report(done.error());
        return status;
    }

private:
    std::string method_;
    std::string notes_;
    std::vector<std::string> targets_;
};

} // namespace

std::unique_ptr<Command> make_flush()
{
    return std::make_unique<LogCommand>("FlushLogs", "Files that were put aside stay.\n\nexamples:\n  pmctl flush\n  pmctl flush web");
}

std::unique_ptr<Command> make_rotate()
{
    return std::make_unique<LogCommand>("RotateLogs", "The next line begins a new file; 'logs: {rotate: {...}}' of an app file does it by size or age.\n\nexamples:\n  pmctl rotate web");
}

std::unique_ptr<Command> make_reload_logs()
{
    return std::make_unique<LogCommand>("ReopenLogs", "For logrotate(8), after it has moved files away; pmd looks for that itself once a second.\n\nexamples:\n  pmctl reloadLogs");
}

} // namespace pm::cli
