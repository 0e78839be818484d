// SPDX-License-Identifier: Apache-2.0
#include "logs/line_dates.hpp"

#include "logs/dates.hpp"

namespace pm::logs {
namespace {

constexpr const char* kIso = "%Y-%m-%dT%H:%M:%S.%{SSS}"; ///< of iso_time()
constexpr std::string_view kJsonKey = ",\"timestamp\":\"";

} // namespace

std::optional<model::WallTime> date_of(std::string_view line, const model::LogSpec& spec)
{
    const bool json = spec.type == model::LogType::Json;
    if (json) {
        const auto key = line.rfind(kJsonKey); // names and texts before it may hold anything
        if (key == std::string_view::npos) return std::nullopt;
        line.remove_prefix(key + kJsonKey.size());
    }
    if (!spec.date_format.empty()) return read_date(line, spec.date_format, false);
    return json ? read_date(line, kIso, true) : std::nullopt;
}

} // namespace pm::logs
