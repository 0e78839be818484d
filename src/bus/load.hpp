// SPDX-License-Identifier: Apache-2.0
// Load, LoadFile and Plan: what an app file may ask for when its loader is an ordinary user, and then the engine.
#pragma once

#include "bus/authority.hpp"
#include "bus/options.hpp"

#include <string>
#include <vector>

namespace pm::bus {

using Paths = std::vector<sdbus::ObjectPath>;
/// App, action, why.
using PlanRow = sdbus::Struct<std::string, std::string, std::string>;

/// The arguments of a call that brings an app file.
struct Delivery {
    Call call;
    std::string text;
    std::string origin;
    OptionMap options;
};

/// `grant` is leave to declare apps. Errors of both: InvalidSpec, InvalidArgument, LimitExceeded, AppExists,
/// NotAuthorized (a key asks for more than the loader may, and polkit does not give it); they answer at once or later.
base::Result<void> load(Context& context, const Delivery& delivery, const Grant& grant, const Reply<Paths>& reply);
base::Result<void> plan(Context& context, const Delivery& delivery, const Grant& grant,
                        const Reply<std::vector<PlanRow>>& reply);

/// The object paths of `apps`.
[[nodiscard]] Paths paths_of(const std::vector<std::string>& apps);

} // namespace pm::bus
