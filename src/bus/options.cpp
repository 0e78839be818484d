// SPDX-License-Identifier: Apache-2.0
#include "bus/options.hpp"

#include "base/text.hpp"

#include <vector>

namespace pm::bus {

base::Result<void> Options::check() const
{
    if (!error_.empty()) return base::fail(base::ErrorCode::InvalidArgument, error_);
    const std::vector<std::string> known(asked_.begin(), asked_.end());
    for (const auto& [key, value] : map_)
        if (!asked_.contains(key))
            return base::fail(base::ErrorCode::InvalidArgument,
                              "unknown option '" + base::printable(key) +
                                  "', this call knows: " + (known.empty() ? "none" : base::join(known, ", ")));
    return {};
}

} // namespace pm::bus
