// SPDX-License-Identifier: Apache-2.0
#include "cli/view/list.hpp"

#include "cli/commands/all.hpp"

#include <set>

namespace pm::cli {
namespace {

class List final : public Command {
public:
    void declare(OptionSet& options) override
    {
        options.optional_argument("TARGET", target_, "only these: a name, a namespace, an id, or /regex/ on names");
        options.flag("--json", json_, "an array of objects (pmctl(1) lists the keys)");
        options.flag("--names", names_, "names and namespaces only, one a line; never fails (for completion)");
        options.text("--sort", sort_, "FIELD[:desc]", "by name, namespace, id, pid, uptime, restarts, status, cpu, memory or user (default: id)");
        options.notes("examples:\n  pmctl list\n  pmctl list --sort memory:desc\n  pmctl list --json");
    }
    int run(Context& context) override
    {
        // Who only completes a word must not start pmd, which may have been ended on purpose.
        auto client = Client::connect(context, names_ ? Client::Missing::Look : Client::Missing::Fail);
        if (!client) return names_ ? kDone : report(client.error());
        auto rows = client->list(target_, !names_);
        if (!rows) return names_ ? kDone : report(rows.error());
        if (names_) return print_names(*rows);
        if (sort_)
            if (auto sorted = sort_rows(*rows, *sort_); !sorted) return report(sorted.error());
        return print(json_ ? list_json(*rows) : list_table(*rows, context.out));
    }

private:
    static int print_names(const std::vector<Row>& rows)
    {
        std::set<std::string> words;
        for (const Row& row : rows) {
            words.insert(row.app);
            words.insert(row.name_space);
        }
        std::string text;
        for (const std::string& word : words) text += word + "\n";
        return print(text);
    }

    std::string target_;
    std::optional<std::string> sort_;
    bool json_ = false;
    bool names_ = false;
};

} // namespace

std::unique_ptr<Command> make_list() { return std::make_unique<List>(); }

} // namespace pm::cli
