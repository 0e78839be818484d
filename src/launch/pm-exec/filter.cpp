// SPDX-License-Identifier: Apache-2.0
#include "launch/pm-exec/filter.hpp"

#include "launch/pm-exec/filter_program.hpp"
#include "launch/pm-exec/report.hpp"
#include "launch/pm-exec/sys.hpp"

#include <cerrno>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>

namespace pm::launch::exec {
namespace {

#if PM_RAW_SYSCALLS

constexpr unsigned long kKillableFlag = 1UL << 5; // SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, Linux 5.19
constexpr unsigned long kFlags = SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_SPEC_ALLOW;

#if defined(__x86_64__)
constexpr FilteredCalls kCalls = kOfX86_64;
#else
constexpr FilteredCalls kCalls = kOfAarch64;
#endif
static_assert(kCalls.bind == SYS_bind && kCalls.listen == SYS_listen);
constexpr FilterProgram kProgram = filter_program(kCalls);

/// The listener, or -errno. A signal shall not take back a bind that pmd is answering, where the kernel can do that.
long try_install() noexcept
{
    sock_fprog program = {sizeof kProgram.steps / sizeof kProgram.steps[0], const_cast<sock_filter*>(kProgram.steps)};
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
