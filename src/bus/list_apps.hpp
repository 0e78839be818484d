// SPDX-License-Identifier: Apache-2.0
// The calls that read or touch single instances: ListApps, GetEnvironment, OpenLog, OpenMessages, Scale.
#pragma once

#include "bus/authority.hpp"
#include "bus/context.hpp"
#include "bus/options.hpp"

#include <map>
#include <string>
#include <vector>

namespace pm::bus {

/// App, namespace, id, slot, pid, status, reason, uptime, restarts, unstable, cpu, memory, user: see the XML.
using ListRow = sdbus::Struct<std::string, std::string, uint32_t, uint32_t, uint32_t, std::string, std::string, uint64_t,
                              uint64_t, uint32_t, double, uint64_t, std::string>;

[[nodiscard]] base::Result<std::vector<ListRow>> list_apps(Context& context, const OptionMap& filter);
[[nodiscard]] base::Result<std::map<std::string, std::string>> environment_of(Context& context, base::InstanceId id);
[[nodiscard]] base::Result<sdbus::UnixFd> open_log(Context& context, const std::string& target,
                                                   const OptionMap& options, const Grant& grant = {});
[[nodiscard]] base::Result<sdbus::UnixFd> open_messages(Context& context, const std::string& target, const OptionMap& options,
                                                        const Grant& grant = {});
base::Result<void> scale(Context& context, const Reply<uint32_t>& reply, const std::string& app,
                         const std::string& count);

} // namespace pm::bus
