// SPDX-License-Identifier: Apache-2.0
// Finding what is to run, with the app's rights, directory and PATH; running it; and saying why it did not run.
#pragma once

#include "launch/pm-exec/orders.hpp"

namespace pm::launch::exec {

/// Becomes the app, or gives up with the sharpest reason there is.
[[noreturn]] void execute(const Orders& orders, char** environment) noexcept;

} // namespace pm::launch::exec
