// SPDX-License-Identifier: Apache-2.0
#include "cli/options.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <fmt/format.h>
#include <list>
#include <span>

#include "base/text.hpp"

namespace pm::cli {

struct OptionSet::Impl {
    CLI::App app;
    std::string verb;
    std::string notes;
    std::vector<const CLI::Option*> flags; ///< CLI11 would take "--flag=false"
    struct FlagOrList {
        std::vector<std::string> given;
        bool* on;
        std::vector<std::string>* into;
    };
    std::list<FlagOrList> flags_or_lists;
};

namespace {

/// CLI11's own layout, narrower and with our placeholders.
std::shared_ptr<CLI::Formatter> layout()
{
    auto formatter = std::make_shared<CLI::Formatter>();
    formatter->column_width(38);
    return formatter;
}

std::vector<std::string> long_names(const CLI::App& app)
{
    std::vector<std::string> names;
    for (const CLI::Option* option : app.get_options())
        for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    return names;
}

/// " (did you mean '--name'?)", or nothing.
std::string suggestion(const CLI::App& app, const std::string& word)
{
    const std::vector<std::string> names = long_names(app);
    const std::vector<std::string_view> views(names.begin(), names.end());
    const auto near = base::nearest(word.substr(0, word.find('=')), views);
    return near ? fmt::format(", did you mean '{}'?", *near) : std::string();
}

/// The "--flag=value" among `words`, as nothing reads the value; empty if there is none.
std::string flag_with_value(CLI::App& app, std::span<const CLI::Option* const> flags, const std::vector<std::string>& words)
{
    for (std::size_t i = 0; i < words.size() && words[i] != "--"; ++i) {
        const auto equals = words[i].find('=');
        const CLI::Option* option = app.get_option_no_throw(words[i].substr(0, equals));
        if (option == nullptr) continue;
        const bool is_flag = std::find(flags.begin(), flags.end(), option) != flags.end();
        if (is_flag && equals != std::string::npos) return words[i];
        if (option->get_items_expected_max() > 0 && equals == std::string::npos) ++i; // what follows is its value
    }
    return {};
}

} // namespace

OptionSet::OptionSet(std::string verb, std::string summary) : impl_(std::make_unique<Impl>())
{
    impl_->verb = std::move(verb);
    impl_->app.name("pmctl " + impl_->verb);
    impl_->app.description(std::move(summary));
    impl_->app.formatter(layout());
    impl_->app.get_formatter()->label("TEXT", "");
    impl_->flags.push_back(impl_->app.set_help_flag("-h,--help", "show this help and exit"));
    impl_->app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    impl_->app.allow_extras(true); // named with a suggestion in parse()
}

OptionSet::~OptionSet() = default;

void OptionSet::flag(const std::string& names, bool& into, const std::string& help)
{
    impl_->flags.push_back(impl_->app.add_flag(names, into, help));
}

void OptionSet::flag_or_list(const std::string& names, bool& on, std::vector<std::string>& into, const std::string& what, const std::string& help)
{
    auto& one = impl_->flags_or_lists.emplace_back(Impl::FlagOrList{{}, &on, &into});
    impl_->app.add_flag(names, one.given, help)->type_name("[=" + what + "]");
}

void OptionSet::text(const std::string& names, std::optional<std::string>& into, const std::string& what,
                     const std::string& help)
{
    impl_->app.add_option_function<std::string>(names, [&into](const std::string& value) { into = value; }, help)
        ->type_name(what);
}

void OptionSet::number(const std::string& names, std::optional<std::uint32_t>& into, const std::string& what,
                       const std::string& help)
{
    impl_->app
        .add_option_function<std::string>(
            names,
            [&into, names](const std::string& value) {
                into = base::parse_number<std::uint32_t>(value);
                if (!into) throw CLI::ValidationError(names, fmt::format("'{}' is not a whole number", value));
            },
            help)
        ->type_name(what);
}

void OptionSet::list(const std::string& names, std::vector<std::string>& into, const std::string& what,
                     const std::string& help)
{
    impl_->app
        .add_option_function<std::vector<std::string>>(
            names,
            [&into](const std::vector<std::string>& values) {
                for (const std::string& value : values)
                    for (const std::string& part : base::split(value, ','))
                        if (!base::trim(part).empty()) into.emplace_back(base::trim(part));
            },
            help)
        ->type_name(what)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
        ->allow_extra_args(false);
}

void OptionSet::one_of(const std::string& names, std::optional<std::string>& into,
                       const std::vector<std::string>& choices, const std::string& help)
{
    impl_->app
        .add_option_function<std::string>(
            names,
            [&into, names, choices](const std::string& value) {
                if (std::find(choices.begin(), choices.end(), value) == choices.end())
                    throw CLI::ValidationError(names, fmt::format("'{}' is none of {}", value,
                                                                  base::join(std::span(choices), ", ")));
                into = value;
            },
            help)
        ->type_name(base::join(std::span(choices), "|"));
}

void OptionSet::later(const std::string& names, bool value)
{
    const auto refuse = [names] { throw CLI::ValidationError(names, "not supported yet"); };
    CLI::Option* option =
        value ? impl_->app.add_option_function<std::string>(names, [refuse](const std::string&) { refuse(); })
              : impl_->app.add_flag_callback(names, refuse);
    option->group("");
}

void OptionSet::ignored(const std::string& names) { impl_->flags.push_back(impl_->app.add_flag(names)->group("")); }

void OptionSet::argument(const std::string& name, std::string& into, const std::string& help)
{
    impl_->app.add_option(name, into, help)->required()->type_name("");
}

void OptionSet::optional_argument(const std::string& name, std::string& into, const std::string& help)
{
    impl_->app.add_option(name, into, help)->type_name("");
}

void OptionSet::arguments(const std::string& name, std::vector<std::string>& into, bool required,
                          const std::string& help)
{
    impl_->app.add_option(name, into, help)
        ->required(required)
        ->type_name("")
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

void OptionSet::notes(const std::string& text) { impl_->notes = text; }

Outcome<OptionSet::Parsed> OptionSet::parse(const std::vector<std::string>& words)
{
    const std::string hint = fmt::format("; see 'pmctl {} --help'", impl_->verb);
    if (const std::string word = flag_with_value(impl_->app, impl_->flags, words); !word.empty())
        return failed(kUsage, fmt::format("'{}': {} takes no value{}", word, word.substr(0, word.find('=')), hint));
    try {
        std::vector<std::string> reversed(words.rbegin(), words.rend()); // the order CLI11 takes
        impl_->app.parse(std::move(reversed));
    } catch (const CLI::CallForHelp&) {
        return Parsed::Help;
    } catch (const CLI::ParseError& fault) {
        return failed(kUsage, std::string(fault.what()) + hint);
    }
    for (const Impl::FlagOrList& one : impl_->flags_or_lists) {
        *one.on = !one.given.empty();
        for (const std::string& value : one.given) {
            if (value == "true") continue; // what CLI11 gives one without a value
            for (std::size_t begin = 0; begin <= value.size();) {
                const std::size_t end = std::min(value.find(',', begin), value.size());
                one.into->push_back(value.substr(begin, end - begin));
                begin = end + 1;
            }
        }
    }
    std::vector<std::string> left = impl_->app.remaining();
    if (const auto mark = std::find(left.begin(), left.end(), "--"); mark != left.end())
        left.erase(mark); // CLI11 keeps it
    if (left.empty()) return Parsed::Run;
    const bool option = left.front().starts_with('-');
    return failed(kUsage, fmt::format("{} '{}'{}{}", option ? "unknown option" : "unexpected argument", left.front(),
                                      option ? suggestion(impl_->app, left.front()) : std::string(), hint));
}

std::vector<std::string> OptionSet::given() const
{
    std::vector<std::string> names;
    for (const CLI::Option* option : impl_->app.get_options())
        if (option->count() > 0 && !option->get_group().empty() && !option->get_lnames().empty())
            names.push_back("--" + option->get_lnames().front());
    return names;
}

std::string OptionSet::help() const
{
    std::string text = impl_->app.help();
    // CLI11 gives the hidden options an empty line.
    if (const auto gap = text.rfind("\n\n\n"); gap != std::string::npos && gap + 3 == text.size()) text.pop_back();
    if (!impl_->notes.empty()) text += "\n" + impl_->notes + "\n";
    return text;
}

} // namespace pm::cli
