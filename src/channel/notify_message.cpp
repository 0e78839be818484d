// SPDX-License-Identifier: Apache-2.0
#include "channel/notify_message.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <cstring>
#include <set>

namespace pm::channel {
namespace {

constexpr model::Duration kLongest = std::chrono::hours(24 * 365);
constexpr int kMostErrno = 4095; // of Linux

/// Cut between characters.
std::string shown(std::string_view text)
{
    std::string line = base::printable(text);
    if (line.size() <= NotifyMessage::kMostStatusBytes) return line;
    std::size_t end = NotifyMessage::kMostStatusBytes;
    while (end > 0 && (static_cast<unsigned char>(line[end]) & 0xC0U) == 0x80U) --end;
    line.resize(end);
    return line;
}

std::optional<model::Duration> time_of(std::string_view value)
{
    const auto usec = base::parse_number<std::uint64_t>(value);
    if (!usec) return std::nullopt;
    return model::Duration(static_cast<std::int64_t>(std::min(*usec, static_cast<std::uint64_t>(kLongest.count()))));
}

std::string error_text(std::string_view value)
{
    const auto number = base::parse_number<int>(value);
    return number && *number > 0 && *number <= kMostErrno ? std::strerror(*number) : std::string();
}

class Reader {
public:
    void assign(std::string_view name, std::string_view value)
    {
        if (!seen_.insert(name).second) return;
        if (name == "READY") message_.ready = value == "1";
        if (name == "RELOADING") message_.reloading = value == "1";
        if (name == "STOPPING") message_.stopping = value == "1";
        if (name == "FDSTORE") message_.store = value == "1";
        if (name == "WATCHDOG") {
            message_.alive = value == "1";
            message_.trigger = value == "trigger";
        }
        if (name == "STATUS") message_.status = shown(value);
        if (name == "ERRNO") error_ = error_text(value);
        if (name == "EXTEND_TIMEOUT_USEC") message_.more_time = time_of(value);
        if (name == "WATCHDOG_USEC") message_.watchdog = time_of(value);
    }
    NotifyMessage finish()
    {
        if (!error_.empty() && message_.status && !message_.status->empty())
            message_.status = shown(*message_.status + " (" + error_ + ")");
        else if (!error_.empty())
            message_.status = error_;
        return std::move(message_);
    }

private:
    NotifyMessage message_;
    std::string error_;
    std::set<std::string_view> seen_;
};

} // namespace

std::optional<NotifyMessage> parse_notify(std::string_view datagram)
{
    if (datagram.size() > kMostNotifyBytes) return std::nullopt;
    if (datagram.ends_with('\0')) datagram.remove_suffix(1);
    if (datagram.find('\0') != std::string_view::npos) return std::nullopt;
    Reader reader;
    while (!datagram.empty()) {
        const std::string_view line = datagram.substr(0, datagram.find('\n'));
        datagram.remove_prefix(std::min(line.size() + 1, datagram.size()));
        if (const std::size_t equals = line.find('='); equals != std::string_view::npos)
            reader.assign(line.substr(0, equals), line.substr(equals + 1));
    }
    return reader.finish();
}

} // namespace pm::channel
