// SPDX-License-Identifier: Apache-2.0
// From an entry of the journal to a line of an app, or to nothing when it is none: see journal_reader.hpp for the rule.
#pragma once

#include "cli/logs/journal_reader.hpp"

#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

struct sd_journal;

namespace pm::cli {

class EntryReader {
public:
    /// Both must outlive it.
    EntryReader(std::span<const JournalApp> apps, const JournalScope& scope);
    /// As those of the constructor.
    void set_apps(std::span<const JournalApp> apps);
    /// The entry at which `journal` stands.
    [[nodiscard]] std::optional<LogLine> read(sd_journal& journal);

private:
    struct Writer {
        const JournalApp* app = nullptr;
        std::optional<std::uint32_t> slot;
    };
    [[nodiscard]] Writer writer_of(sd_journal& journal);
    [[nodiscard]] Writer writer_without_unit(sd_journal& journal) const;
    void learn(sd_journal& journal, std::uint32_t slot);

    const JournalScope& scope_;
    std::unordered_map<std::string, const JournalApp*> by_unit_name_; ///< by the name as it stands in unit names
    std::unordered_map<std::string, const JournalApp*> by_name_;
    std::unordered_map<std::string, std::uint32_t> slots_; ///< of streams into the journal, by _STREAM_ID
};

} // namespace pm::cli
