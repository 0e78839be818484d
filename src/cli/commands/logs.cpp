// SPDX-License-Identifier: Apache-2.0
#include "cli/log_view.hpp"

#include "cli/client.hpp"
#include "cli/commands/all.hpp"
#include "cli/view/log_lines.hpp"

#include <fmt/format.h>

namespace pm::cli {
namespace {

class Logs final : public Command {
public:
    void declare(OptionSet& options) override
    {
        options.arguments("TARGET", targets_, false, "names, namespaces, ids, or /regex/ on names (default: all)");
        options.number("-n,--lines", lines_, "N", "begin with the last N lines of each file (default: 15)");
        options.flag("--out", out_, "only what was written to stdout");
        options.flag("--err", err_, "only what was written to stderr");
        options.flag("--nostream", nostream_, "show the last lines and exit");
        options.flag("-f,--follow", follow_, "go on with new lines; this is the default");
        options.flag("--raw", raw_, "the lines as they are: no prefix, escape sequences untouched");
        options.flag("--json", json_, "an object a line (pmctl(1) lists the keys)");
        options.flag("--timestamp", timestamp_, "when each new line came");
        options.notes("Ends with Ctrl-C (exit status 0), or with status 3 when pmd ends.\n\nexamples:\n  pmctl logs\n"
                      "  pmctl logs web worker --lines 100\n  pmctl logs web --err --nostream");
    }
    int run(Context& context) override
    {
        if (raw_ && json_) return report({kUsage, "--raw and --json exclude each other"});
        if (follow_ && nostream_) return report({kUsage, "--follow and --nostream exclude each other"});
        auto client = Client::connect(context);
        if (!client) return report(client.error());
        auto streams = open_streams(*client);
        if (!streams) return report(streams.error());
        LogFormatter formatter(context.out, timestamp_);
        const auto format = [&](std::string_view line) {
            return raw_ || json_ ? std::string(line) + "\n" : formatter.format(line);
        };
        const ViewEnd end = view_logs(std::move(*streams), format);
        return nostream_ && end == ViewEnd::StreamsEnded ? kDone : status_of(end);
    }

private:
    Outcome<std::vector<base::Fd>> open_streams(Client& client) const
    {
        LogOptions options;
        options.lines = lines_.value_or(15);
        options.follow = !nostream_;
        options.format = raw_ ? "raw" : "json";
        if (out_ != err_) options.stream = out_ ? "out" : "err";
        std::vector<base::Fd> streams;
        for (const std::string& target : targets_.empty() ? std::vector<std::string>{"all"} : targets_) {
            auto stream = client.open_log(target, options);
            if (!stream) return failed(stream.error());
            streams.push_back(std::move(*stream));
        }
        return streams;
    }

    std::vector<std::string> targets_;
    std::optional<std::uint32_t> lines_;
    bool out_ = false;
    bool err_ = false;
    bool nostream_ = false;
    bool follow_ = false;
    bool raw_ = false;
    bool json_ = false;
    bool timestamp_ = false;
};

} // namespace

std::unique_ptr<Command> make_logs() { return std::make_unique<Logs>(); }

} // namespace pm::cli
