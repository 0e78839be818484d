// SPDX-License-Identifier: Apache-2.0
#include "cli/client.hpp"
#include "cli/commands/all.hpp"
#include "cli/logs/log_time.hpp"
#include "cli/logs/show_logs.hpp"

#include "base/text.hpp"

#include <chrono>
#include <fmt/format.h>

namespace pm::cli {
namespace {

Outcome<std::optional<std::uint64_t>> time_of(const std::string& option, const std::optional<std::string>& text)
{
    if (!text) return std::nullopt;
    using std::chrono::microseconds;
    const auto now = std::chrono::duration_cast<microseconds>(std::chrono::system_clock::now().time_since_epoch());
    const auto time = parse_log_time(*text, static_cast<std::uint64_t>(now.count()));
    if (!time) return failed(kUsage, fmt::format("{}: '{}' is not {}", option, base::printable(*text), kLogTimeForms));
    return time;
}

class Logs final : public Command {
public:
    void declare(OptionSet& options) override
    {
        options.arguments("TARGET", targets_, false, "names, namespaces, ids, or /regex/ on names (default: all)");
        options.number("-n,--lines", lines_, "N", "begin with the last N lines of each file, or app in the journal (default: 15)");
        options.text("--since", since_, "TIME", "what came since then: '2026-11-25 10:00', yesterday, -1h, '10 min ago'");
        options.text("--until", until_, "TIME", "what came until then; does not follow");
        options.text("--grep", grep_, "REGEX", "lines that match; without capitals case does not matter");
        options.text("--priority", priority_, "LEVEL", "lines this important or more: emerg to debug, or 0 to 7");
        options.flag("--out", out_, "only what was written to stdout");
        options.flag("--err", err_, "only what was written to stderr");
        options.flag("--nostream", nostream_, "show the last lines and exit");
        options.flag("-f,--follow", follow_, "go on with new lines; this is the default");
        options.flag("--raw", raw_, "the lines as they are: no prefix, escape sequences untouched");
        options.flag("--json", json_, "an object a line (pmctl(1) lists the keys)");
        options.flag("--timestamp", timestamp_, "when each new line came");
        options.notes("Ends with Ctrl-C (exit status 0), or with status 3 when pmd ends.\n\nexamples:\n  pmctl logs\n"
                      "  pmctl logs web worker --lines 100\n  pmctl logs web --err --nostream\n"
                      "  pmctl logs web --since -1h --grep timeout");
    }
    int run(Context& context) override
    {
        const auto wish = read_wish();
        if (!wish) return report(wish.error());
        auto client = Client::connect(context);
        if (!client) return report(client.error());
        return show_logs(context, *client, targets_.empty() ? std::vector<std::string>{"all"} : targets_, *wish);
    }

private:
    Outcome<LogWish> read_wish() const
    {
        if (raw_ && json_) return failed(kUsage, "--raw and --json exclude each other");
        if (follow_ && nostream_) return failed(kUsage, "--follow and --nostream exclude each other");
        if (follow_ && until_) return failed(kUsage, "--follow and --until exclude each other");
        LogWish wish;
        wish.look = raw_ ? LogLook::Raw : json_ ? LogLook::Json : LogLook::People;
        wish.timestamp = timestamp_;
        wish.follow = !nostream_ && !until_;
        wish.lines = lines_;
        if (auto read = read_filter(wish.filter); !read) return failed(read.error());
        return wish;
    }

    Outcome<void> read_filter(LogFilter& filter) const
    {
        if (out_ != err_) filter.stream = out_ ? "out" : "err";
        const auto since = time_of("--since", since_);
        if (!since) return failed(since.error());
        filter.since = *since;
        const auto until = time_of("--until", until_);
        if (!until) return failed(until.error());
        filter.until = *until;
        if (priority_) filter.priority = priority_from(*priority_);
        if (priority_ && !filter.priority)
            return failed(kUsage, fmt::format("--priority: '{}' is none of emerg, alert, crit, err, warning, notice, info, "
                                              "debug, 0 to 7",
                                              base::printable(*priority_)));
        if (!grep_) return {};
        auto pattern = LinePattern::compile(*grep_);
        if (!pattern) return failed(pattern.error());
        filter.pattern = std::move(*pattern);
        return {};
    }

    std::vector<std::string> targets_;
    std::optional<std::uint32_t> lines_;
    std::optional<std::string> since_;
    std::optional<std::string> until_;
    std::optional<std::string> grep_;
    std::optional<std::string> priority_;
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
