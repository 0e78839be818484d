// SPDX-License-Identifier: Apache-2.0
#include "launch/pm-exec/filter.hpp"

#include "launch/pm-exec/report.hpp"
#include "launch/pm-exec/sys.hpp"

#include <cstddef>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>

namespace pm::launch::exec {
namespace {

#if defined(__x86_64__)
constexpr std::uint32_t kArch = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr std::uint32_t kArch = AUDIT_ARCH_AARCH64;
#endif

#if PM_RAW_SYSCALLS

constexpr unsigned long kKillableFlag = 1UL << 5; // SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, Linux 5.19
constexpr unsigned long kFlags = SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_SPEC_ALLOW;

/// System calls of another architecture have other numbers (those of x32 have bit 30 set): they pass.
constexpr sock_filter kProgram[] = {
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, arch)),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kArch, 0, 4),
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_bind, 1, 0),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_listen, 0, 1),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
};

/// The listener, or -errno. A signal shall not take back a bind that pmd is answering, where the kernel can do that.
long try_install() noexcept
{
    sock_fprog program = {sizeof kProgram / sizeof kProgram[0], const_cast<sock_filter*>(kProgram)};
    const long result = sys::call(SYS_seccomp, SECCOMP_SET_MODE_FILTER, kFlags | kKillableFlag, &program);
    return result == -EINVAL ? sys::call(SYS_seccomp, SECCOMP_SET_MODE_FILTER, kFlags, &program) : result;
}

long install() noexcept
{
    const long result = try_install();
    if (result != -EACCES) return result;
    const long promised = sys::call(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1L);
    return promised < 0 ? promised : try_install();
}

#else

long install() noexcept
{
    return -ENOSYS;
}

#endif

} // namespace

void install_filter(std::int64_t pmd) noexcept
{
    sys::call(SYS_prctl, PR_SET_PTRACER, pmd); // fails where there is no Yama
    const long listener = install();
    const long sent = listener < 0 ? listener : send_listener(static_cast<int>(listener));
    if (sent < 0) give_up({LaunchStage::Filter, static_cast<int>(-sent)});
    sys::call(SYS_close, listener);
}

} // namespace pm::launch::exec
