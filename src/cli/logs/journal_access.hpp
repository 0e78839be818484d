// SPDX-License-Identifier: Apache-2.0
// Whether the caller may read the journal: sd_journal_open(3) says nothing and shows what it can.
#pragma once

#include "cli/failure.hpp"

#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace pm::cli {

/// The directories where journald keeps files of this machine (systemd-journald.service(8)).
[[nodiscard]] std::vector<std::string> journal_directories();

/// Status 1 with what to do when lines would be missing. `user`: only those of this user's own services are wanted, which
/// are in a file of the user's own where the journal is kept on disk. Without `user` all files must be readable.
[[nodiscard]] Outcome<void> check_journal_access(std::optional<uid_t> user,
                                                 const std::vector<std::string>& directories = journal_directories());

} // namespace pm::cli
