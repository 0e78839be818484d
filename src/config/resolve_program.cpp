// SPDX-License-Identifier: Apache-2.0
// Which program will be executed, where the spelling does not tell: by the file itself, its "#!" line, or the words of a line.
//
// What node is going to run gets node as its interpreter, so that its arguments, its cluster, its channel and its signal follow.
// What starts node in a way of its own (npm, a line of shell) gets node's signal and a channel.
#include "base/file_fact.hpp"
#include "base/path.hpp"
#include "base/text.hpp"
#include "config/draft.hpp"
#include "config/readers.hpp"
#include "config/values.hpp"
#include "model/program.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace pm::config::read {
namespace {

using Words = std::vector<std::string>;

std::string_view base_name(std::string_view path) { return path.substr(path.rfind('/') + 1); } // npos + 1 is the beginning
bool is_node(std::string_view program)
{
    const std::string_view name = base_name(program);
    return name == "node" || name == "nodejs" || name == "bun";
}

/// The words of a "#!" line from the interpreter on; of "env" those of the program that it finds. Empty: there is no such line.
Words interpreter_of(const std::string& fact)
{
    if (!fact.starts_with("#!")) return {};
    Words words = words_from(fact.substr(2)).value_or(Words());
    if (words.empty() || base_name(words.front()) != "env") return words;
    const auto is_no_program = [](const std::string& word) { return word.starts_with('-') || word.find('=') != std::string::npos; };
    words.erase(words.begin(), std::find_if_not(words.begin() + 1, words.end(), is_no_program));
    return words;
}

/// What else the shell would do with the line than split it at blanks.
bool is_plain(std::string_view line) { return line.find_first_of("|&;<>()$`\\\"'*?[]{}~#!\n") == std::string_view::npos; }

/// The words of the last command of a line, without what is set or said before its program.
Words last_command(std::string_view line)
{
    const auto joint = line.find_last_of(";&|");
    Words words = words_from(base::trim(joint == std::string_view::npos ? line : line.substr(joint + 1))).value_or(Words());
    const auto is_before = [](const std::string& word) {
        return word == "exec" || word == "env" || word == "command" || (word.find('=') != std::string::npos && !word.starts_with('-'));
    };
    words.erase(words.begin(), std::ranges::find_if_not(words, is_before));
    return words;
}

class Resolver {
public:
    explicit Resolver(Draft& draft) : draft_(draft), spec_(draft.spec) {}

    void resolve()
    {
        if (spec_.interpreter) return resolve_given(*spec_.interpreter);
        const bool spaces = spec_.script.find(' ') != std::string::npos;
        const auto fact = fact_of(spec_.script);
        if (fact) return resolve_file(*fact, spaces);
        if (spaces) return resolve_line();
        if (const auto found = in_path(spec_.script)) resolve_found(*found);
    }
    /// Something is known of the program, and it is not run by an interpreter of ours.
    [[nodiscard]] bool runs_by_itself() const noexcept { return known_ && (!spec_.interpreter || *spec_.interpreter == "none"); }

private:
    [[nodiscard]] std::optional<std::string> fact_of(std::string_view path) const
    {
        return draft_.options.look(spec_, base::absolute_path(spec_.cwd, path));
    }
    [[nodiscard]] std::optional<std::string> in_path(const std::string& name) const
    {
        if (name.empty() || name.find('/') != std::string::npos) return std::nullopt;
        const auto path = spec_.env.find("PATH");
        for (const std::string& directory : base::split(path != spec_.env.end() ? path->second : draft_.options.path, ':'))
            if (auto fact = fact_of(directory + "/" + name); fact && *fact != base::kDirectory) return fact;
        return std::nullopt;
    }
    [[nodiscard]] std::optional<std::string> program_fact(const std::string& program) const
    {
        return program.find('/') != std::string::npos ? fact_of(program) : in_path(program);
    }
    [[nodiscard]] bool leads_to_node(const std::string& program) const
    {
        if (is_node(program)) return true;
        const Words words = interpreter_of(program_fact(program).value_or(""));
        return !words.empty() && is_node(words.front());
    }

    void starts_node()
    {
        if (!draft_.kill_signal) draft_.kill_signal = SIGINT;
        spec_.serving.channel = true;
    }

    /// An interpreter such as ts-node is a script of node itself.
    void resolve_given(const std::string& interpreter)
    {
        if (interpreter == "none")
            resolve_found(program_fact(spec_.script).value_or(""));
        else if (!is_node(interpreter) && leads_to_node(interpreter))
            starts_node();
    }
    /// What is run as it is.
    void resolve_found(const std::string& fact)
    {
        known_ = !fact.empty();
        const Words words = interpreter_of(fact);
        if (!words.empty() && is_node(words.front())) starts_node();
    }

    void resolve_file(const std::string& fact, bool spaces)
    {
        known_ = true;
        Words words = interpreter_of(fact);
        const std::string_view node = spaces ? model::node_for(spec_.script) : std::string_view();
        if (!node.empty()) { // the extension alone tells; but a shell would be asked about a name with blanks
            spec_.interpreter = std::string(node);
        } else if (!words.empty() && is_node(words.front()) && model::interpreter_for(spec_.script).empty()) {
            spec_.interpreter = words.front();
            spec_.interpreter_args.insert(spec_.interpreter_args.begin(), words.begin() + 1, words.end());
        } else if (fact == base::kDirectory || (fact == base::kText && !model::has_extension(spec_.script))) {
            spec_.interpreter = "node"; // as PM2 does
        }
        known_ = !model::has_extension(spec_.script) || fact == base::kBinary;
    }

    void resolve_line()
    {
        const Words words = last_command(spec_.script);
        if (words.empty()) return;
        known_ = true;
        const bool begins_with_it = base::trim(spec_.script).starts_with(words.front()); // nothing is set before it
        if (is_node(words.front()) && begins_with_it && is_plain(spec_.script) && take_apart(words)) return;
        if (leads_to_node(words.front())) starts_node();
    }

    /// "node --flag www --port 1" as what it means; false where only node itself can tell.
    bool take_apart(const Words& words)
    {
        constexpr std::array<std::string_view, 8> kWithValue{"-r", "--require", "--import", "--loader", "--experimental-loader", "-C", "--conditions", "--env-file"};
        constexpr std::array<std::string_view, 7> kOther{"-e", "--eval", "-p", "--print", "-i", "--test", "--run"};
        std::size_t at = 1;
        while (at < words.size() && words[at].starts_with('-')) {
            if (std::ranges::find(kOther, words[at]) != kOther.end()) return false;
            at += std::ranges::find(kWithValue, words[at]) != kWithValue.end() ? 2 : 1;
        }
        if (at >= words.size()) return false;
        std::string script = words[at];
        if (!fact_of(script)) script += ".js";
        if (!fact_of(script)) return false;
        const auto begin = words.begin();
        const auto place = begin + static_cast<std::ptrdiff_t>(at);
        spec_.interpreter = words.front();
        spec_.interpreter_args.insert(spec_.interpreter_args.begin(), begin + 1, place);
        spec_.script = std::move(script);
        spec_.args.insert(spec_.args.begin(), place + 1, words.end());
        return true;
    }

    Draft& draft_;
    model::AppSpec& spec_;
    bool known_ = false;
};

} // namespace

void resolve_program(Draft& draft, const Field& app)
{
    if (!draft.options.look || draft.spec.script.empty()) return;
    Resolver resolver(draft);
    resolver.resolve();
    if (draft.spec.interpreter_args.empty() || !resolver.runs_by_itself()) return;
    app.report().warning(app.node().mark, Path(app.path(), "node_args"),
                         fmt::format("has no effect: '{}' is not given to an interpreter (node reads the variable NODE_OPTIONS too)",
                                     base::printable(draft.spec.script)));
}

} // namespace pm::config::read
