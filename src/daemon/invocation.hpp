// SPDX-License-Identifier: Apache-2.0
// How this pmd was started, so that it can be started the same way again.
#pragma once

#include <string>
#include <vector>

namespace pm::daemon {

struct Invocation {
    std::string program; ///< absolute path by which it was executed: what is there now may be a newer one
    std::vector<std::string> arguments; ///< argv, with argv[0]
    std::vector<std::string> environment; ///< "NAME=value", without what was meant for that one start alone
};

/// Must be called before anything changes the environment or the working directory.
[[nodiscard]] Invocation find_invocation(int argc, char** argv);

/// The same as execve(2) takes it; it points into the strings.
[[nodiscard]] std::vector<char*> pointers_to(const std::vector<std::string>& strings);

} // namespace pm::daemon
