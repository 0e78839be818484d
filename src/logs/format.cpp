// SPDX-License-Identifier: Apache-2.0
#include "logs/format.hpp"

#include "base/text.hpp"
#include "logs/dates.hpp"
#include "logs/line_splitter.hpp"

#include <fmt/format.h>
#include <iterator>

namespace pm::logs {
namespace {

bool is_literal(char c) noexcept
{
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x20 && byte < 0x7f && c != '"' && c != '\\';
}

void append_escaped(std::string& to, char c)
{
    switch (c) {
    case '"': to += "\\\""; return;
    case '\\': to += "\\\\"; return;
    case '\t': to += "\\t"; return;
    case '\r': to += "\\r"; return;
    case '\n': to += "\\n"; return;
    default: fmt::format_to(std::back_inserter(to), "\\u{:04x}", static_cast<unsigned>(static_cast<unsigned char>(c)));
    }
}

/// Appends the character of more than one byte that `text` begins with; returns its bytes.
std::size_t append_wide(std::string& to, std::string_view text)
{
    const auto lead = static_cast<unsigned char>(text.front());
    const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    const std::string_view character = text.substr(0, length);
    if (character.size() == length && base::is_valid_utf8(character)) {
        to += character;
        return length;
    }
    to += "\xef\xbf\xbd"; // U+FFFD
    return 1;
}

std::string json_time(const model::LogSpec& spec, model::WallTime when)
{
    std::string date = spec.date_format.empty() ? std::string() : format_date(spec.date_format, when);
    return date.empty() ? iso_time(when) : date;
}

/// What stands before and after the message in a file's JSON object; the keys are PM2's.
struct Frame {
    std::string before;
    std::string after; ///< but for the keys of a piece and the end of the object
};

void append_piece_keys(std::string& to, bool continued, bool partial)
{
    if (continued) to += ",\"continued\":true";
    if (partial) to += ",\"partial\":true";
}

Frame json_frame(const model::LogSpec& spec, const Origin& origin, Stream stream, model::WallTime when)
{
    Frame frame{"{\"message\":", ",\"timestamp\":"};
    append_json_string(frame.after, json_time(spec, when));
    frame.after += fmt::format(",\"type\":\"{}\",\"process_id\":{},\"app_name\":", to_string(stream), origin.id.value);
    append_json_string(frame.after, origin.app);
    return frame;
}

} // namespace

std::string_view to_string(Stream stream) noexcept
{
    switch (stream) {
    case Stream::Out: return "out";
    case Stream::Err: return "err";
    case Stream::Messages: return "messages";
    }
    return "";
}

void append_json_string(std::string& to, std::string_view text)
{
    to += '"';
    while (!text.empty()) {
        std::size_t plain = 0;
        while (plain < text.size() && is_literal(text[plain])) ++plain;
        to += text.substr(0, plain);
        text.remove_prefix(plain);
        if (text.empty()) break;
        std::size_t used = 1;
        if (static_cast<unsigned char>(text.front()) >= 0x80)
            used = append_wide(to, text);
        else
            append_escaped(to, text.front());
        text.remove_prefix(used);
    }
    to += '"';
}

bool is_verbatim(const model::LogSpec& spec) noexcept
{
    return spec.type == model::LogType::Raw && spec.date_format.empty();
}

void append_for_file(std::string& to, std::span<const std::string_view> blocks, const model::LogSpec& spec,
                     const Origin& origin, Stream stream, model::WallTime when, bool continues)
{
    const bool json = spec.type == model::LogType::Json;
    Frame frame;
    if (json)
        frame = json_frame(spec, origin, stream, when);
    else if (const std::string date = format_date(spec.date_format, when); !date.empty())
        frame.before = date + ": ";
    for (const std::string_view block : blocks)
        for_each_line(block, [&](std::string_view line, bool whole) {
            if (json) {
                append_json_string(to += frame.before, line);
                append_piece_keys(to += frame.after, continues, !whole);
                to += "}\n";
            } else {
                if (!continues) to += frame.before;
                to += line;
                if (whole) to += '\n';
            }
            continues = !whole;
        });
}

std::string before_rest(const model::LogSpec& spec, model::WallTime when)
{
    const std::string date = format_date(spec.date_format, when);
    return date.empty() ? "[continued] " : date + ": [continued] ";
}

ReaderLines::ReaderLines(ReaderFormat format, const Origin& origin, Stream stream)
    : raw_(format == ReaderFormat::Raw), json_(stream == Stream::Messages)
{
    if (raw_) return;
    before_ = "{\"app\":";
    append_json_string(before_, origin.app);
    before_ += fmt::format(",\"id\":{},\"slot\":{},", origin.id.value, origin.slot.value);
    before_ += json_ ? "\"message\":" : fmt::format("\"stream\":\"{}\",\"line\":", to_string(stream));
}

void ReaderLines::append(std::string& to, const ReaderLine& line, std::optional<model::WallTime> when) const
{
    if (raw_) {
        to += line.text;
        if (!line.partial) to += '\n';
        return;
    }
    to += before_;
    if (json_)
        to += line.text;
    else
        append_json_string(to, line.text);
    append_piece_keys(to, line.continued, line.partial);
    if (when)
        fmt::format_to(std::back_inserter(to), ",\"time\":{}",
                       std::chrono::duration_cast<std::chrono::microseconds>(when->time_since_epoch()).count());
    to += "}\n";
}

std::string lost_marker(ReaderFormat format, std::uint64_t lines)
{
    if (format == ReaderFormat::Json) return fmt::format("{{\"lost\":{}}}\n", lines);
    return fmt::format("... {} lines lost ...\n", lines);
}

} // namespace pm::logs
