// SPDX-License-Identifier: Apache-2.0
// Making a process where clone3 is refused, as old kernels and seccomp filters do.
#include "launch/direct/spawn.hpp"

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

namespace pm::launch {
namespace {

/// From here on, clone3 fails with `error` in this process.
bool refuse_clone3(int error)
{
    sock_filter code[] = {
        {BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(seccomp_data, nr)},
        {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, SYS_clone3},
        {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(error)},
        {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW},
    };
    const sock_fprog program{4, code};
    return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/// 0 when cat, started by spawn(), copied what was in its stdin.
int copy_by_cat()
{
    int in[2];
    int out[2];
    if (::pipe2(in, O_CLOEXEC) < 0 || ::pipe2(out, O_CLOEXEC) < 0 || ::write(in[1], "ho", 2) != 2) return 1;
    ::close(in[1]);
    const auto made = spawn({"/bin/cat", in[0], out[1], -1, -1});
    if (!made) return 2;
    char text[3] = {};
    if (::read(out[0], text, 2) != 2 || std::string_view(text) != "ho") return 3;
    siginfo_t info{};
    if (::waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(made->pidfd.get()), &info, WEXITED) < 0) return 4;
    if (info.si_pid != made->pid || info.si_status != 0) return 5;
    const auto missing = spawn({"/nope", in[0], out[1], -1, -1});
    if (missing || missing.error().error != ENOENT || !missing.error().executing) return 6;
    return ::waitpid(-1, nullptr, WNOHANG) < 0 && errno == ECHILD ? 0 : 7;
}

int in_a_child(int error)
{
    const pid_t child = ::fork();
    if (child == 0) ::_exit(error != 0 && !refuse_clone3(error) ? 77 : copy_by_cat());
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(Spawn, starts_a_program_with_and_without_clone3)
{
    EXPECT_EQ(in_a_child(0), 0);
    for (const int error : {ENOSYS, EPERM}) {
        const int result = in_a_child(error);
        if (result == 77) GTEST_SKIP() << "no seccomp filters here";
        EXPECT_EQ(result, 0);
    }
}

} // namespace
} // namespace pm::launch
