// SPDX-License-Identifier: Apache-2.0
// What one pmd leaves the next one that is executed in its place (execve(2), same process): a memory file, whose number
// an environment variable names. Open descriptors keep their numbers.
#pragma once

#include "base/error.hpp"
#include "base/fd.hpp"
#include "logs/log_store.hpp"
#include "model/app_spec.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pm::daemon {

inline constexpr std::string_view kHandoverVariable = "PMD_HANDOVER_FD=";

/// What must not differ from one pmd to the next, as its apps would be lost.
struct Whereabouts {
    std::string bus;
    std::string launcher;
    std::string runtime_dir;
    std::string state_dir;
    bool operator==(const Whereabouts&) const = default;
};

struct Handover {
    Whereabouts whereabouts;
    std::vector<std::string> apps; ///< daemon/state_text.hpp, in order of creation
    std::string launcher;          ///< launch::Launcher::state()
    std::map<std::string, logs::BegunLine> begun_lines; ///< logs::LogStore::begun_lines()
    std::map<std::string, int> pipes;   ///< of KeptFds
    std::map<std::string, int> sockets; ///< of KeptFds
    int lock = -1;
    int state_lock = -1; ///< -1: none
    int bus_daemon = -1; ///< pidfd of the embedded bus; -1: none
    std::int32_t bus_pid = 0;
    std::optional<model::ResourceLimit> nofile; ///< what the first pmd began with

    /// All descriptors it names.
    [[nodiscard]] std::vector<int> descriptors() const;
};

/// What a pmd that ends leaves to the next one of its begun lines.
[[nodiscard]] std::string to_bytes(const std::map<std::string, logs::BegunLine>& lines);
/// Nothing when it is something else.
[[nodiscard]] std::optional<std::map<std::string, logs::BegunLine>> begun_lines_from(std::string_view bytes);

/// A memory file, close-on-exec.
[[nodiscard]] base::Result<base::Fd> to_memory(const Handover& handover);

/// What the pmd before us left, if we were executed in its place; its descriptors are close-on-exec again, and ours to
/// close. Removes the variable from the environment. Error: it is there and cannot be read.
[[nodiscard]] base::Result<std::optional<Handover>> take_handover();

/// For a trial: the same without touching the descriptors, which are not there.
[[nodiscard]] base::Result<std::optional<Handover>> look_at_handover();

} // namespace pm::daemon
