// SPDX-License-Identifier: Apache-2.0
// The variables a process gets: what the spec says on a small base, and the few that tell it who it is.
#pragma once

#include "base/ids.hpp"
#include "model/app_spec.hpp"

#include <map>
#include <string>

namespace pm::policy {

/// Who the process is.
struct Identity {
    base::InstanceId id;
    base::Slot slot;
    base::Generation generation;
};

using Environment = std::map<std::string, std::string>;

/// `base` (PATH, HOME, USER, LOGNAME, SHELL, LANG of the process's user) lies under spec.env, unless the spec brings
/// its caller's whole environment. PWD is the spec's cwd, unless env sets it. Above both: the spec's instance_var and increment_var, PM_NAME, PM_ID, PM_INSTANCE,
/// PM_NAMESPACE, PM_GENERATION, `name` and `pm_id`, which apps made for PM2 read, and listen_variables(); nothing else. With an empty
/// `base`, the result is what must win over environment files.
[[nodiscard]] Environment environment(const model::AppSpec& spec, const Identity& identity, const Environment& base);

} // namespace pm::policy
