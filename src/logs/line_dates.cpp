// SPDX-License-Identifier: Apache-2.0
#include "logs/line_dates.hpp"

#include <climits>
#include <ctime>
#include <string>

namespace pm::logs {
namespace {

constexpr std::size_t kLongestDate = 256; ///< as format_date() writes them
constexpr const char* kIso = "%Y-%m-%dT%H:%M:%S"; ///< of iso_time(), before ".123Z"
constexpr std::string_view kJsonKey = ",\"timestamp\":\"";

/// strptime(3), and what its result means; `utc`: the text is in UTC, else in local time unless it has an offset.
std::optional<model::WallTime> parse(std::string_view text, const std::string& format, bool utc)
{
    std::tm parts{};
    parts.tm_year = INT_MIN;
    parts.tm_mon = parts.tm_hour = parts.tm_isdst = -1; // what the format does not name stays so
    const std::string terminated(text.substr(0, kLongestDate));
    if (strptime(terminated.c_str(), format.c_str(), &parts) == nullptr) return std::nullopt;
    if (parts.tm_year == INT_MIN || parts.tm_mon < 0 || parts.tm_mday < 1 || parts.tm_hour < 0) return std::nullopt;
    const bool offset = format.find("%z") != std::string::npos;
    const long east = parts.tm_gmtoff; // timegm() sets it to 0
    const std::time_t seconds = utc || offset ? timegm(&parts) - (offset ? east : 0) : mktime(&parts);
    return std::chrono::system_clock::from_time_t(seconds);
}

} // namespace

std::optional<model::WallTime> date_of(std::string_view line, const model::LogSpec& spec)
{
    const bool json = spec.type == model::LogType::Json;
    if (json) {
        const auto key = line.rfind(kJsonKey); // names and texts before it may hold anything
        if (key == std::string_view::npos) return std::nullopt;
        line.remove_prefix(key + kJsonKey.size());
    }
    if (!spec.date_format.empty()) return parse(line, spec.date_format, false);
    return json ? parse(line, kIso, true) : std::nullopt;
}

} // namespace pm::logs
