// SPDX-License-Identifier: Apache-2.0
// Which processes belong to a generation when there is no cgroup to tell: its process tree.
//
// pmd is a subreaper, so whoever loses its parent becomes pmd's child. All that a generation started is therefore below
// its main process or below one of pmd's adopted children, and only those must be told apart: by session or process
// group of the main process, by having been seen below it before, or by PM_ID, PM_GENERATION and PM_NAME in the
// environment it inherited. A child's own children need no such test.
#pragma once

#include "launch/direct/generation.hpp"
#include "launch/direct/process_table.hpp"

#include <functional>

namespace pm::launch {

/// True for the main process of some generation.
using IsMain = std::function<bool(pid_t)>;

class Family {
public:
    explicit Family(IsMain is_main) : is_main_(std::move(is_main)) {}

    /// Living adopted children of pmd that belong to `generation`.
    [[nodiscard]] std::vector<ProcessInfo> adopted(Generation& generation);
    /// All living processes of `generation` but its main process; remembers them in generation.known.
    [[nodiscard]] std::vector<ProcessInfo> members(Generation& generation);
    /// The number `pid` is free again.
    void forget(pid_t pid) { tags_.erase(pid); }

private:
    struct Tag {
        std::uint64_t start_time = 0;
        std::string text; ///< see tag_of()
    };
    IsMain is_main_;
    std::map<pid_t, Tag> tags_; ///< of adopted children, so that each environment is read once

    const std::string& tag(const ProcessInfo& info);
    bool belongs(const ProcessInfo& info, Generation& generation);
};

} // namespace pm::launch
