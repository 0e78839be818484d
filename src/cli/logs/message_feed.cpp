// SPDX-License-Identifier: Apache-2.0
#include "cli/logs/message_feed.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

namespace pm::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kLost = "{\"lost\":";

} // namespace

std::string message_text(std::string_view line)
{
    const auto object = Json::parse(line, nullptr, false);
    if (!object.is_object()) return {};
    if (object.contains("lost")) return fmt::format("-- {} messages lost: read too slowly --\n", object["lost"].dump());
    const auto message = object.find("message");
    if (message == object.end()) return {};
    const std::string json = message->dump(-1, ' ', false, Json::error_handler_t::replace);
    return fmt::format("{} (id {}): {}\n", base::printable(object.value("app", "")), object.value("id", 0U),
                       base::printable(json));
}

Outcome<bool> MessageFeed::take(std::string& text)
{
    std::array<char, 65536> buffer{};
    const ssize_t count = read(fd_.get(), buffer.data(), buffer.size());
    if (count < 0) return errno == EINTR || errno == EAGAIN;
    const std::size_t seen = partial_.size();
    partial_.append(buffer.data(), static_cast<std::size_t>(count));
    std::size_t start = 0;
    for (std::size_t end = 0; !is_complete() && (end = partial_.find('\n', std::max(start, seen))) != std::string::npos;
         start = end + 1)
        take_line(std::string_view(partial_).substr(start, end - start), text);
    partial_.erase(0, start);
    return count > 0 && !is_complete();
}

void MessageFeed::take_line(std::string_view line, std::string& text)
{
    text += json_ ? std::string(line) + "\n" : message_text(line);
    if (left_ && !line.starts_with(kLost)) --*left_;
}

} // namespace pm::cli
