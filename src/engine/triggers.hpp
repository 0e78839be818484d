// SPDX-License-Identifier: Apache-2.0
// Calls an action of several processes at once and gathers what each replies.
#pragma once

#include "engine/driver.hpp"

#include <span>
#include <string_view>

namespace pm::engine {

/// Of `instances`, which `target` selected, calls those processes that announced the action (pm2: the others are passed over).
/// Errors: NotOnline (none runs), NotSupported (none has a channel), NoSuchAction (naming those there are), LimitExceeded.
base::Result<void> trigger(Driver& driver, std::span<Instance* const> instances, std::string_view target,
                           const TriggerRequest& request, TriggerDone done);

} // namespace pm::engine
