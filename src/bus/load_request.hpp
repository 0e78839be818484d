// SPDX-License-Identifier: Apache-2.0
// The arguments of Load, LoadFile, Plan and Validate, checked and parsed.
#pragma once

#include "bus/authority.hpp"
#include "bus/options.hpp"
#include "config/app_file.hpp"
#include "engine/supervisor.hpp"

#include <string>

namespace pm::bus {

struct LoadRequest {
    config::AppFile file;
    engine::ApplyOptions apply;
    bool wait = true;
};

/// `by` loads it: the apps will be theirs, and "~" is their home; null: the user pmd runs as.
/// Errors: InvalidArgument (options), LimitExceeded (size). Faults of the file are in the result.
[[nodiscard]] base::Result<LoadRequest> read_load_request(const Context& context, const std::string& text,
                                                          const std::string& origin, const OptionMap& options,
                                                          const Grant* by = nullptr);

/// InvalidSpec with a line for each of the first 50 faults; nothing when the file is good.
[[nodiscard]] base::Result<void> faults_of(const config::AppFile& file, const std::string& origin);

/// The text of a file that the caller names, opened with the rights of `who` (null: our own): regular, within the bound,
/// never waited for.
[[nodiscard]] base::Result<std::string> read_app_file(const std::string& path, std::size_t max_bytes,
                                                      const model::Identity* who = nullptr);

} // namespace pm::bus
