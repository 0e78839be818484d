// SPDX-License-Identifier: Apache-2.0
#include "cli/logs/journal_entry.hpp"

#include "base/text.hpp"
#include "model/unit_names.hpp"

#include <cstring>
#include <systemd/sd-journal.h>

namespace pm::cli {
namespace {

constexpr std::size_t kMostStreams = 4096; ///< remembered

/// The value of a field; valid until the next call. Nothing when the entry has no such field.
std::optional<std::string_view> field(sd_journal& journal, const char* name)
{
    const void* data = nullptr;
    std::size_t size = 0;
    if (sd_journal_get_data(&journal, name, &data, &size) < 0) return std::nullopt;
    std::string_view text(static_cast<const char*>(data), size);
    text.remove_prefix(std::min(size, std::strlen(name) + 1)); // "NAME="
    return text;
}

template <typename Number>
std::optional<Number> number(sd_journal& journal, const char* name)
{
    const auto text = field(journal, name);
    return text ? base::parse_number<Number>(*text) : std::nullopt;
}

/// The facility tells the streams apart that pmd opened (logs/journal_stream.hpp): 3 (daemon) and 1 (user).
std::string stream_of(sd_journal& journal)
{
    if (field(journal, "_TRANSPORT") != "stdout") return "log";
    return field(journal, "SYSLOG_FACILITY") == "1" ? "err" : "out";
}

} // namespace

EntryReader::EntryReader(std::span<const JournalApp> apps, const JournalScope& scope) : scope_(scope) { set_apps(apps); }

void EntryReader::set_apps(std::span<const JournalApp> apps)
{
    by_unit_name_.clear();
    by_name_.clear();
    for (const JournalApp& app : apps) {
        by_unit_name_[model::escape_for_unit(app.name)] = &app;
        by_name_[app.name] = &app;
    }
}

void EntryReader::learn(sd_journal& journal, std::uint32_t slot)
{
    const auto stream = field(journal, "_STREAM_ID");
    if (!stream) return;
    if (slots_.size() >= kMostStreams) slots_.clear();
    slots_[std::string(*stream)] = slot;
}

EntryReader::Writer EntryReader::writer_without_unit(sd_journal& journal) const
{
    for (const char* name : {"_SYSTEMD_UNIT", "_SYSTEMD_CGROUP"})
        if (field(journal, name)) return {};
    if (field(journal, "_TRANSPORT") != "stdout" || number<uid_t>(journal, "_UID") != scope_.user) return {};
    const auto identifier = field(journal, "SYSLOG_IDENTIFIER");
    const auto app = identifier ? by_name_.find(std::string(*identifier)) : by_name_.end();
    if (app == by_name_.end()) return {};
    const auto stream = field(journal, "_STREAM_ID");
    const auto slot = stream ? slots_.find(std::string(*stream)) : slots_.end();
    if (slot != slots_.end()) return {app->second, slot->second};
    if (app->second->ids.size() == 1) return {app->second, app->second->ids.begin()->first};
    return {app->second, std::nullopt};
}

EntryReader::Writer EntryReader::writer_of(sd_journal& journal)
{
    const auto unit = field(journal, scope_.user ? "_SYSTEMD_USER_UNIT" : "_SYSTEMD_UNIT");
    if (!unit) return scope_.user ? writer_without_unit(journal) : Writer{};
    const auto name = model::parse_unit_name(*unit);
    const auto app = name ? by_unit_name_.find(name->escaped_app) : by_unit_name_.end();
    if (app == by_unit_name_.end()) return {};
    if (scope_.user && number<uid_t>(journal, "_UID") != scope_.user) return {};
    if (scope_.user) learn(journal, name->slot.value);
    return {app->second, name->slot.value};
}

std::optional<LogLine> EntryReader::read(sd_journal& journal)
{
    const Writer writer = writer_of(journal);
    if (writer.app == nullptr) return std::nullopt;
    const auto& ids = writer.app->ids;
    const auto known = writer.slot ? ids.find(*writer.slot) : ids.end();
    if (writer.app->only_these && known == ids.end()) return std::nullopt;
    const auto message = field(journal, "MESSAGE");
    if (!message) return std::nullopt;
    LogLine line{writer.app->name, std::nullopt, writer.slot, {}, std::string(*message), std::nullopt, std::nullopt};
    line.id = known != ids.end() ? std::optional(known->second) : number<std::uint32_t>(journal, "PM_ID");
    line.stream = stream_of(journal);
    line.priority = number<int>(journal, "PRIORITY");
    if (const auto stream = field(journal, "_STREAM_ID")) line.origin = *stream;
    // Where another process went on ("pid-change"), nobody knows whether with a newline: journald keeps no empty rest.
    line.partial = field(journal, "_LINE_BREAK") == "line-max";
    std::uint64_t usec = 0;
    if (sd_journal_get_realtime_usec(&journal, &usec) >= 0) line.time = usec;
    return line;
}

} // namespace pm::cli
