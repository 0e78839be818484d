// SPDX-License-Identifier: Apache-2.0
#include "base/guard.hpp"
#include "cli/program.hpp"

#include <algorithm>

int main(int argc, char** argv)
{
    int status = pm::cli::kFailed;
    pm::base::guard([&] { status = pm::cli::run(std::vector<std::string>(argv + std::min(argc, 1), argv + argc)); },
                    [](const std::string& what) { pm::cli::report({pm::cli::kFailed, "internal fault: " + what}); });
    return status;
}
