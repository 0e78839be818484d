// SPDX-License-Identifier: Apache-2.0
#include "cli/view/log_lines.hpp"

#include "base/text.hpp"

#include <array>
#include <ctime>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <utility>

namespace pm::cli {
namespace {

constexpr std::array kPalette{Colour::Green, Colour::Cyan, Colour::Magenta, Colour::Blue, Colour::Yellow};

/// "14:03:07.251 " in local time; as many spaces for an old line whose time nobody knows.
std::string clock_of(const LogLine& line)
{
    if (!line.time) return std::string(13, ' ');
    const auto seconds = static_cast<std::time_t>(*line.time / 1'000'000);
    std::tm parts{};
    localtime_r(&seconds, &parts);
    return fmt::format("{:02}:{:02}:{:02}.{:03} ", parts.tm_hour, parts.tm_min, parts.tm_sec, *line.time / 1000 % 1000);
}

bool within(char c, int first, int last) noexcept
{
    const int byte = static_cast<unsigned char>(c);
    return byte >= first && byte <= last;
}

/// Bytes of the escape sequence at the start of `text`, which begins with ESC.
std::size_t escape_length(std::string_view text) noexcept
{
    if (text.size() < 2) return 1;
    std::size_t at = 2;
    if (text[1] == '[') { // CSI: parameters, intermediates, one final byte
        while (at < text.size() && within(text[at], 0x20, 0x3f)) ++at;
        return std::min(at + 1, text.size());
    }
    if (text[1] == ']' || text[1] == 'P' || text[1] == '_' || text[1] == '^' || text[1] == 'X') { // strings up to ST
        while (at < text.size() && text[at] != '\a' && text[at] != '\033') ++at;
        if (at + 1 < text.size() && text[at] == '\033' && text[at + 1] == '\\') ++at;
        return std::min(at + 1, text.size());
    }
    while (at - 1 < text.size() && within(text[at - 1], 0x20, 0x2f)) ++at; // intermediates of a short one
    return std::min(at, text.size());
}

} // namespace

std::string without_escapes(std::string_view text)
{
    if (text.find('\033') == std::string_view::npos) return base::printable(text);
    std::string kept;
    while (!text.empty()) {
        const std::size_t count = text.front() == '\033' ? escape_length(text) : 1;
        if (text.front() != '\033') kept += text.front();
        text.remove_prefix(count);
    }
    return base::printable(kept);
}

Colour LogFormatter::colour_of(const std::string& label)
{
    return colours_.try_emplace(label, kPalette[colours_.size() % kPalette.size()]).first->second;
}

/// What ends a line that another one comes into.
std::string LogFormatter::begin(const std::string& key, bool continued)
{
    const std::string within = std::exchange(within_, {});
    return within.empty() || (continued && within == key) ? "" : "\n";
}

std::string LogFormatter::finish() { return begin({}, false); }

std::string LogFormatter::format_raw(std::string_view text, const void* stream)
{
    if (text.empty()) return {};
    const std::string key = fmt::format("{}", stream);
    std::string printed = begin(key, true);
    if (text.back() != '\n') within_ = key;
    return printed.append(text);
}

std::string LogFormatter::format(std::string_view sent)
{
    if (look_ != LogLook::People) return std::string(sent) + "\n";
    const auto line = line_from_json(sent);
    return line ? for_people(*line) : format_lost(sent);
}

std::string LogFormatter::format(const LogLine& line)
{
    switch (look_) {
    case LogLook::People: return for_people(line);
    case LogLook::Raw: {
        std::string text = begin(piece_key(line), line.continued) + line.text;
        if (line.partial) within_ = piece_key(line);
        return line.partial ? text : text + "\n";
    }
    case LogLook::Json: return to_json(line) + "\n";
    }
    return {};
}

std::string LogFormatter::format_lost(std::string_view json)
{
    const auto object = nlohmann::json::parse(json, nullptr, false);
    if (!object.is_object() || !object.contains("lost")) return {};
    if (look_ == LogLook::Json) return std::string(json) + "\n";
    const std::string text = fmt::format("-- {} lines lost: read too slowly --", object["lost"].dump());
    return finish() + paint(text, Colour::Yellow, look_ == LogLook::People && terminal_.colour) + "\n";
}

std::string LogFormatter::for_people(const LogLine& line)
{
    std::string label = base::printable(line.app);
    if (line.slot) label += fmt::format("-{}", *line.slot);
    width_ = std::max(width_, label.size());
    const Colour colour = line.stream == "err" ? Colour::Red : colour_of(label);
    const std::string prefix =
        paint(fmt::format("{}{:<{}} | ", timestamp_ ? clock_of(line) : "", label, width_), colour, terminal_.colour);
    const std::string key = piece_key(line);
    const bool goes_on = line.continued && within_ == key;
    std::string text = begin(key, line.continued);
    if (!goes_on) text += prefix;
    bool first = true;
    for (const std::string& part : base::split(line.text, '\n')) {
        if (!std::exchange(first, false)) text += '\n' + prefix;
        text += terminal_.is_terminal ? without_escapes(part) : part;
    }
    if (line.partial)
        within_ = key;
    else
        text += '\n';
    return text;
}

} // namespace pm::cli
