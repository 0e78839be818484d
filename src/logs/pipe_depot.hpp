// SPDX-License-Identifier: Apache-2.0
// Where the read ends of pipes are kept so that they outlive pmd: an app that writes to a pipe nobody holds dies of it.
#pragma once

#include "base/fd.hpp"

#include <string>

namespace pm::logs {

class PipeDepot {
public:
    virtual ~PipeDepot() = default;
    /// Keeps a copy of `fd` under `name`.
    virtual void keep(const std::string& name, int fd) = 0;
    /// Nobody writes to it any more.
    virtual void drop(const std::string& name) = 0;
    /// What an earlier pmd kept under `name`; invalid when there is none.
    [[nodiscard]] virtual base::Fd take(const std::string& name) = 0;
};

} // namespace pm::logs
