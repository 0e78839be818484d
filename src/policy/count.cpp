// SPDX-License-Identifier: Apache-2.0
#include "policy/count.hpp"

#include "base/text.hpp"

#include <fmt/format.h>
#include <limits>

namespace pm::policy {

base::Result<std::uint32_t> parse_count(std::string_view text, std::uint32_t current, std::uint32_t cpus)
{
    std::string_view rest = text;
    std::int64_t base = 0;
    if (rest.starts_with("max")) {
        base = cpus;
        rest.remove_prefix(3);
    } else if (rest.starts_with('+') || rest.starts_with('-')) {
        base = current;
    }
    const bool relative = rest.starts_with('+') || rest.starts_with('-');
    const bool alone = rest.empty() && base != 0 && text == "max";
    const auto number = base::parse_number<std::uint32_t>(relative ? rest.substr(1) : rest);
    const bool max_without_sign = text.starts_with("max") && !relative;
    if (!alone && (!number || max_without_sign))
        return base::fail(base::ErrorCode::InvalidArgument,
                          fmt::format("'{}' is no count: expected n, +n, -n, max or max-n", base::printable(text)));

    const std::int64_t step = alone ? 0 : static_cast<std::int64_t>(*number);
    const std::int64_t wanted = rest.starts_with('-') ? base - step : base + step;
    if (wanted < 1)
        return base::fail(base::ErrorCode::InvalidArgument,
                          fmt::format("'{}' leaves no instance; delete the app to remove it", base::printable(text)));
    if (wanted > std::numeric_limits<std::uint32_t>::max())
        return base::fail(base::ErrorCode::InvalidArgument, fmt::format("'{}' is too many", base::printable(text)));
    return static_cast<std::uint32_t>(wanted);
}

} // namespace pm::policy
