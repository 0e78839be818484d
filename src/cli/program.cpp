// SPDX-License-Identifier: Apache-2.0
#include "cli/program.hpp"

#include "base/text.hpp"
#include "cli/utf8_check.hpp"
#include "pmd-config.h"

#include <algorithm>
#include <fmt/format.h>
#include <unistd.h>

namespace pm::cli {
namespace {

void declare_globals(OptionSet& options, Globals& globals)
{
    options.text("--bus", globals.bus, "BUS", "auto, system, session, embedded or a D-Bus address (default: $PMD_BUS, else auto)");
    options.flag("--no-color", globals.no_colour, "no colours, also on a terminal");
    options.flag("-s,--silent", globals.silent, "say nothing on success");
}

bool is_negative_number(std::string_view word)
{
    return word.size() > 1 && word[0] == '-' && std::all_of(word.begin() + 1, word.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// The count of "scale web -1" is no option: it goes to the end, behind the mark after which there are none.
void mark_count(std::vector<std::string>& words)
{
    const auto count = std::find_if(words.begin(), words.end(), is_negative_number);
    if (count == words.end() || std::find(words.begin(), words.end(), "--") != words.end()) return;
    const std::string number = *count;
    words.erase(count);
    words.insert(words.end(), {"--", number});
}

bool is_number(std::string_view word) { return !word.empty() && word.find_first_not_of("0123456789") == word.npos; }

/// As PM2 takes "--stop-exit-codes 12 42": numbers that follow are further codes, not ids.
void join_codes(std::vector<std::string>& words)
{
    const auto option = std::find(words.begin(), words.end(), "--stop-exit-codes");
    if (words.end() - option < 3) return;
    std::string& codes = *(option + 1);
    const auto last = std::find_if_not(option + 2, words.end(), is_number);
    for (auto code = option + 2; code != last; ++code) codes += "," + *code;
    words.erase(option + 2, last);
}

int run_verb(const Verb& verb, const CommandLine& line, const std::vector<std::string>& all)
{
    Context context = make_context();
    context.words = all;
    const auto command = verb.make();
    OptionSet options(std::string(verb.name), std::string(verb.summary));
    command->declare(options);
    declare_globals(options, context.globals);
    std::vector<std::string> words = line.words;
    if (verb.name == "scale") mark_count(words);
    if (verb.name == "start") join_codes(words);
    const auto parsed = options.parse(words);
    if (!parsed) return report(parsed.error());
    if (*parsed == OptionSet::Parsed::Help) return print(options.help());
    context.given = options.given();
    context.script_args = line.script_args;
    context.out = look_at(STDOUT_FILENO, context.globals.no_colour, context.environment);
    context.err = look_at(STDERR_FILENO, context.globals.no_colour, context.environment);
    return command->run(context);
}

} // namespace

CommandLine split_command_line(const std::vector<std::string>& words)
{
    CommandLine line;
    for (std::size_t i = 0; i < words.size(); ++i) {
        const std::string& word = words[i];
        if (word == "--" && line.verb == "start") {
            line.script_args.assign(words.begin() + static_cast<std::ptrdiff_t>(i) + 1, words.end());
            break;
        }
        if (line.verb.empty() && !word.starts_with('-')) {
            line.verb = word;
            continue;
        }
        line.words.push_back(word);
        if (line.verb.empty() && word == "--bus" && i + 1 < words.size()) line.words.push_back(words[++i]);
    }
    return line;
}

std::string unknown_verb(std::string_view word)
{
    std::vector<std::string_view> names;
    for (const Verb& verb : verbs()) {
        names.push_back(verb.name);
        names.insert(names.end(), verb.aliases.begin(), verb.aliases.end());
    }
    const auto near = base::nearest(word, names);
    return fmt::format("unknown command '{}'{}; see 'pmctl --help'", word,
                       near ? fmt::format(", did you mean '{}'?", *near) : std::string());
}

std::string overview()
{
    std::string text = "pmctl: drives pmd, the process manager\n\nusage: pmctl COMMAND [OPTION]... [ARGUMENT]...\n\n";
    for (const Verb& verb : verbs()) {
        std::string names(verb.name);
        for (std::string_view alias : verb.aliases) names.append(", ").append(alias);
        text += fmt::format("  {:<26} {}\n", names, verb.summary);
    }
    text += R"(
options of every command:
  --bus BUS                  auto, system, session, embedded or a D-Bus address
  --no-color                 no colours, also on a terminal
  -s, --silent               say nothing on success
  -h, --help                 explain the command

examples:
  pmctl start app.yaml
  pmctl start server.js --name web -i 2 -- --port 8000
  pmctl list
  pmctl logs web
  pmctl stop all
  pmctl --bus system list

The machine's pmd (--bus system, or PMD_BUS=system) serves all users: they list everything and manage
what is theirs; the rest takes root, or leave from polkit.

A TARGET is all, the name of an app, a namespace, an id, or /regex/ on names.
Exit status: 0 done, 1 failed, 2 usage or invalid file, 3 no pmd, 130 interrupted while waiting.
)";
    return text;
}

std::string help_of(const Verb& verb)
{
    Globals globals;
    const auto command = verb.make();
    OptionSet options(std::string(verb.name), std::string(verb.summary));
    command->declare(options);
    declare_globals(options, globals);
    return options.help();
}

int run(const std::vector<std::string>& words)
{
    if (auto good = check_words(words); !good) return report(good.error());
    const CommandLine line = split_command_line(words);
    const auto given = [&](std::string_view name) {
        return std::find(line.words.begin(), line.words.end(), name) != line.words.end();
    };
    if (line.verb.empty()) {
        if (given("--version") || given("-v")) return print("pmctl " PMD_VERSION "\n");
        if (given("--help") || given("-h")) return print(overview());
        err(overview());
        return kUsage;
    }
    const Verb* verb = find_verb(line.verb);
    if (verb == nullptr) return report({kUsage, unknown_verb(line.verb)});
    return run_verb(*verb, line, words);
}

} // namespace pm::cli
