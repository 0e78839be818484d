// SPDX-License-Identifier: Apache-2.0
// Which processes belong to a generation when there is no cgroup to tell: its process tree.
//
// pmd is a subreaper, so whoever loses its parent becomes pmd's child. All that a generation started is therefore below
// its main process or below one of pmd's adopted children, and only those must be told apart: by session or process
// group of the main process, by having been seen below it before, by PM_ID, PM_GENERATION and PM_NAME in the environment
// it inherited, or by the pipe of the generation's output that it still holds. A child's own children need no such test.
//
// Nobody tells pmd when a process loses its parent, so one that got rid of all of these before it was looked at is not
// known any more. Looking is done only when something ends or is to end: there is no polling.
#pragma once

#include "launch/direct/generation.hpp"
#include "launch/process/process_table.hpp"

#include <chrono>
#include <functional>
#include <optional>

namespace pm::launch {

/// True for the main process of some generation, or of a check.
using IsMain = std::function<bool(pid_t)>;

class Family {
public:
    explicit Family(IsMain is_main) : is_main_(std::move(is_main)) {}

    struct Adopted {
        std::vector<ProcessInfo> members;
        /// There is another child that may be one: it is in the middle of execve(2), ask again in a moment.
        bool unsettled = false;
    };
    /// Living adopted children of pmd that belong to `generation`; of a foreign one, all of its session and what was known.
    [[nodiscard]] Adopted adopted(Generation& generation);
    /// All living processes of `generation` but its main process; remembers them in generation.known.
    [[nodiscard]] std::vector<ProcessInfo> members(Generation& generation);
    /// True when `pid` is the main process of `generation`, or below it, or below an adopted child that belongs to it.
    [[nodiscard]] bool owns(pid_t pid, Generation& generation);
    /// The number `pid` is free again.
    void forget(pid_t pid) { tags_.erase(pid); }

private:
    struct Tag {
        std::uint64_t start_time = 0;
        std::optional<std::string> text; ///< see tag_of(); nothing: not known yet
        std::vector<FileId> outputs;     ///< of one that hides its environment
        std::chrono::steady_clock::time_point first_seen{};
    };
    IsMain is_main_;
    std::map<pid_t, Tag> tags_; ///< of adopted children, so that each environment is read once

    [[nodiscard]] Adopted strays(Generation& generation);
    enum class Belongs { No, Yes, Unsettled };
    const Tag* tag(const ProcessInfo& info);
    /// By what it inherited.
    Belongs shows(const ProcessInfo& info, const Generation& generation);
    Belongs belongs(const ProcessInfo& info, Generation& generation);
};

} // namespace pm::launch
