// SPDX-License-Identifier: Apache-2.0
// The BPF program of the filter, for any architecture: the numbers of system calls differ, and all are tested anywhere.
#pragma once

#include <cstddef>
#include <cstdint>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

namespace pm::launch::exec {

struct FilteredCalls {
    std::uint32_t arch; ///< AUDIT_ARCH_..., as seccomp_data tells it
    std::uint32_t bind;
    std::uint32_t listen;
};

inline constexpr FilteredCalls kOfX86_64 = {AUDIT_ARCH_X86_64, 49, 50};
inline constexpr FilteredCalls kOfAarch64 = {AUDIT_ARCH_AARCH64, 200, 201};

struct FilterProgram {
    sock_filter steps[7];
};

/// System calls of another architecture have other numbers (those of x32 have bit 30 set): they pass.
constexpr FilterProgram filter_program(const FilteredCalls& calls) noexcept
{
    return {{
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, calls.arch, 0, 4),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, calls.bind, 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, calls.listen, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    }};
}

} // namespace pm::launch::exec
