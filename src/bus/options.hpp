// SPDX-License-Identifier: Apache-2.0
// The a{sv} options of a call: every key is known and has its type, or the call is refused.
#pragma once

#include "base/error.hpp"

#include "sdbus_versions.hpp"

#include <map>
#include <set>
#include <string>
#include <string_view>

namespace pm::bus {

using OptionMap = std::map<std::string, sdbus::Variant>;

class Options {
public:
    explicit Options(const OptionMap& map) : map_(map) {}

    /// The value of `key`, or `fallback` when it is not given. A wrong type is remembered as an error.
    template <typename Value>
    [[nodiscard]] Value get(const std::string& key, Value fallback)
    {
        asked_.insert(key);
        const auto found = map_.find(key);
        if (found == map_.end()) return fallback;
        if (!found->second.template containsValueOfType<Value>()) {
            if (error_.empty())
                error_ = "option '" + key + "' must be of type '" + dbus::signature_of<Value>() + "', not '" +
                         found->second.peekValueType() + "'";
            return fallback;
        }
        return found->second.template get<Value>();
    }

    /// After the last get(): the first wrong type or unknown key, if any.
    [[nodiscard]] base::Result<void> check() const;

private:
    const OptionMap& map_;
    std::set<std::string> asked_;
    std::string error_;
};

} // namespace pm::bus
