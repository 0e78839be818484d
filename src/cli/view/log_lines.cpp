// SPDX-License-Identifier: Apache-2.0
#include "cli/view/log_lines.hpp"

#include "base/text.hpp"

#include <array>
#include <ctime>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace pm::cli {
namespace {

constexpr std::array kPalette{Colour::Green, Colour::Cyan, Colour::Magenta, Colour::Blue, Colour::Yellow};

/// "14:03:07.251 " in local time; as many spaces for a line from history, whose time nobody knows.
std::string clock_of(const nlohmann::json& line)
{
    const auto found = line.find("time");
    if (found == line.end() || !found->is_number()) return std::string(13, ' ');
    const auto usec = found->get<std::uint64_t>();
    const auto seconds = static_cast<std::time_t>(usec / 1'000'000);
    std::tm parts{};
    localtime_r(&seconds, &parts);
    return fmt::format("{:02}:{:02}:{:02}.{:03} ", parts.tm_hour, parts.tm_min, parts.tm_sec, usec / 1000 % 1000);
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

std::string LogFormatter::format(std::string_view json)
{
    const auto line = nlohmann::json::parse(json, nullptr, false);
    if (!line.is_object()) return {};
    if (const auto lost = line.find("lost"); lost != line.end())
        return paint(fmt::format("-- {} lines lost: read too slowly --", lost->dump()), Colour::Yellow, terminal_.colour) + "\n";
    const std::string label =
        fmt::format("{}-{}", base::printable(line.value("app", std::string())), line.value("slot", 0U));
    width_ = std::max(width_, label.size());
    const Colour colour = line.value("stream", std::string()) == "err" ? Colour::Red : colour_of(label);
    const std::string prefix = fmt::format("{}{:<{}} | ", timestamp_ ? clock_of(line) : "", label, width_);
    const std::string text = line.value("line", std::string());
    return paint(prefix, colour, terminal_.colour) + (terminal_.is_terminal ? without_escapes(text) : text) + "\n";
}

} // namespace pm::cli
