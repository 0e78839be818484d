// SPDX-License-Identifier: Apache-2.0
// The options of one verb: declared once, they give parsing, its faults and --help. The only place that sees CLI11.
#pragma once

#include "cli/failure.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pm::cli {

class OptionSet {
public:
    OptionSet(std::string verb, std::string summary);
    ~OptionSet();
    OptionSet(const OptionSet&) = delete;
    OptionSet& operator=(const OptionSet&) = delete;

    /// `names` as "-n,--name". What an option fills must outlive the set. Given twice, the last one counts.
    /// A flag takes no value: "--flag=false" is a fault.
    void flag(const std::string& names, bool& into, const std::string& help);
    /// A flag that may have a value behind '=', which can be a list with commas; `into` is then not empty. Given several times, all values count.
    void flag_or_list(const std::string& names, bool& on, std::vector<std::string>& into, const std::string& what, const std::string& help);
    void text(const std::string& names, std::optional<std::string>& into, const std::string& what,
              const std::string& help);
    void number(const std::string& names, std::optional<std::uint32_t>& into, const std::string& what,
                const std::string& help);
    /// May be given several times; every use takes one value, commas separate several.
    void list(const std::string& names, std::vector<std::string>& into, const std::string& what,
              const std::string& help);
    void one_of(const std::string& names, std::optional<std::string>& into, const std::vector<std::string>& choices,
                const std::string& help);

    /// Known, so that it is refused for what it asks ("not supported yet"); not shown by --help. `value`: it takes one.
    void later(const std::string& names, bool value);
    /// Taken and without effect; not shown by --help.
    void ignored(const std::string& names);

    void argument(const std::string& name, std::string& into, const std::string& help);
    void optional_argument(const std::string& name, std::string& into, const std::string& help);
    void arguments(const std::string& name, std::vector<std::string>& into, bool required, const std::string& help);

    /// Shown below the options by --help.
    void notes(const std::string& text);

    enum class Parsed { Run, Help };
    /// Fails with status 2.
    Outcome<Parsed> parse(const std::vector<std::string>& words);
    /// The options that the last parse() met, each by its first long name ("--name"); not those that --help hides.
    [[nodiscard]] std::vector<std::string> given() const;
    [[nodiscard]] std::string help() const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace pm::cli
