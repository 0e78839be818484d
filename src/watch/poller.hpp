// SPDX-License-Identifier: Apache-2.0
// Looks at all files again and again, for file systems that do not tell of changes made on other machines.
#pragma once

#include "watch/filter.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <sys/types.h>
#include <tuple>
#include <utility>

namespace pm::watch {

class Poller {
public:
    static constexpr std::size_t kMostFiles = 262'144;

    using Changed = std::function<void(const std::string& path)>;
    using Trouble = std::function<void(const std::string& text)>;

    Poller(const Filter& filter, const Settings& settings, Changed changed, Trouble trouble);
    /// Tells of what differs from the time before; the first time of nothing.
    void look();
    [[nodiscard]] std::size_t directories() const noexcept { return directories_.size(); }

private:
    /// Time of the last change in nanoseconds, size, inode.
    using State = std::tuple<std::int64_t, off_t, ino_t>;

    void visit(const std::string& path, const Root& root, std::uint32_t depth);

    const Filter& filter_;
    const Settings& settings_;
    Changed changed_;
    Trouble trouble_;
    std::map<std::string, State> files_;
    std::map<std::string, State> seen_;
    std::set<std::pair<dev_t, ino_t>> directories_;
    bool first_ = true;
    bool complained_ = false;
};

} // namespace pm::watch
