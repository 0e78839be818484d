// SPDX-License-Identifier: Apache-2.0
// For as long as it lives, files are looked up, opened, made, renamed and removed with an app's rights, not with pmd's.
//
// A pmd that is root opens files that an app file names, in directories that the app's user owns: whatever link that
// user puts there must lead to where he may go himself. Only what the kernel asks about files is changed (fsuid, fsgid,
// supplementary groups, and with the fsuid the capabilities that override permissions); signals, limits and credentials
// that others see stay. These belong to a thread, and pmd has one: nothing else may be done meanwhile.
#pragma once

#include "model/identity.hpp"

namespace pm::io {

class ActingAs {
public:
    /// Null, or a pmd that is not root: nothing changes.
    explicit ActingAs(const model::Identity* who);
    ~ActingAs();
    ActingAs(const ActingAs&) = delete;
    ActingAs& operator=(const ActingAs&) = delete;

    /// errno when the rights could not be taken on, else 0. They are pmd's own then: do not go on.
    [[nodiscard]] int error() const noexcept { return error_; }

private:
    void restore() noexcept;

    bool changed_ = false;
    int error_ = 0;
    std::vector<gid_t> own_groups_;
};

} // namespace pm::io
