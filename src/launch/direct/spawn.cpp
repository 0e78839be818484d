// SPDX-License-Identifier: Apache-2.0
#include "launch/direct/spawn.hpp"

#include "launch/pm-exec/sys.hpp"

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <string>
#include <string_view>
#include <linux/sched.h>
#include <sys/wait.h>

#ifndef CLONE_INTO_CGROUP
#define CLONE_INTO_CGROUP 0x200000000ULL
#endif
#ifndef CLONE_CLEAR_SIGHAND
#define CLONE_CLEAR_SIGHAND 0x100000000ULL
#endif

namespace pm::launch {
namespace {

struct Task {
    const SpawnRequest* request;
    char* const* arguments;
    char* const* environment;
    volatile long error; ///< written by the child, read by the parent it shares memory with
};

/// The child's whole life in pmd's memory. dup3 onto another number clears close-on-exec, which is the point of it.
[[noreturn, gnu::no_sanitize_address]] void child(Task* task) noexcept
{
    const SpawnRequest& request = *task->request;
    long result = sys::call(SYS_dup3, request.in, 0, 0);
    if (result >= 0 && request.out >= 0) result = sys::call(SYS_dup3, request.out, 1, 0);
    if (result >= 0 && request.err >= 0) result = sys::call(SYS_dup3, request.err, 2, 0);
    if (result >= 0) result = sys::call(SYS_execve, request.program, task->arguments, task->environment);
    task->error = -result;
    sys::leave(127);
}

#if PM_RAW_SYSCALLS

/// Calls clone3; the child begins in child(task) on the stack that `arguments` name and never returns.
[[gnu::noinline]] long clone_into(clone_args& arguments, Task* task) noexcept
{
    void (*const entry)(Task*) = child;
#if defined(__x86_64__)
    long result = 0;
    asm volatile("syscall\n\t"
                 "test %%rax, %%rax\n\t"
                 "jnz 1f\n\t"
                 "xor %%ebp, %%ebp\n\t"
                 "mov %[task], %%rdi\n\t"
                 "call *%[entry]\n\t"
                 "ud2\n"
                 "1:"
                 : "=a"(result)
                 : "a"(SYS_clone3), "D"(&arguments), "S"(sizeof arguments), [task] "r"(task), [entry] "r"(entry)
                 : "rcx", "r11", "memory", "cc");
    return result;
#else
    register long x8 asm("x8") = SYS_clone3;
    register long x0 asm("x0") = reinterpret_cast<long>(&arguments);
    register long x1 asm("x1") = sizeof arguments;
    asm volatile("svc #0\n\t"
                 "cbnz x0, 1f\n\t"
                 "mov x29, #0\n\t"
                 "mov x0, %[task]\n\t"
                 "blr %[entry]\n\t"
                 "brk #0\n"
                 "1:"
                 : "+r"(x0)
                 : "r"(x8), "r"(x1), [task] "r"(task), [entry] "r"(entry)
                 : "memory", "cc");
    return x0;
#endif
}

tl::expected<Spawned, SpawnFailure> spawn_fast(Task& task)
{
    alignas(16) static char stack[16384]; // one thread, and vfork keeps it waiting: one stack is enough
    int pidfd = -1;
    clone_args arguments{};
    arguments.flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD | CLONE_CLEAR_SIGHAND;
    arguments.pidfd = reinterpret_cast<std::uintptr_t>(&pidfd);
    arguments.exit_signal = SIGCHLD;
    arguments.stack = reinterpret_cast<std::uintptr_t>(stack);
    arguments.stack_size = sizeof stack;
    if (task.request->cgroup >= 0) {
        arguments.flags |= CLONE_INTO_CGROUP;
        arguments.cgroup = static_cast<std::uint64_t>(task.request->cgroup);
    }
    const long pid = clone_into(arguments, &task);
    if (pid < 0) return tl::unexpected(SpawnFailure{static_cast<int>(-pid), false});
    return Spawned{static_cast<pid_t>(pid), base::Fd(pidfd)};
}

#endif

/// The way that works everywhere, without a cgroup from birth. An execve that fails is seen by a pipe.
tl::expected<Spawned, SpawnFailure> spawn_by_fork(Task& task)
{
    if (task.request->cgroup >= 0) return tl::unexpected(SpawnFailure{EOPNOTSUPP, false});
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) < 0) return tl::unexpected(SpawnFailure{errno, false});
    const base::Fd read_end(ends[0]);
    base::Fd write_end(ends[1]);
    const pid_t pid = ::fork();
    if (pid < 0) return tl::unexpected(SpawnFailure{errno, false});
    if (pid == 0) {
        const SpawnRequest& request = *task.request;
        long result = sys::call(SYS_dup3, request.in, 0, 0);
        if (result >= 0 && request.out >= 0) result = sys::call(SYS_dup3, request.out, 1, 0);
        if (result >= 0 && request.err >= 0) result = sys::call(SYS_dup3, request.err, 2, 0);
        if (result >= 0) result = sys::call(SYS_execve, request.program, task.arguments, task.environment);
        const int error = static_cast<int>(-result);
        sys::call(SYS_write, write_end.get(), &error, sizeof error);
        sys::leave(127);
    }
    write_end.reset();
    int error = 0;
    if (::read(read_end.get(), &error, sizeof error) == static_cast<ssize_t>(sizeof error)) task.error = error;
    const long pidfd = ::syscall(SYS_pidfd_open, pid, 0);
    if (pidfd >= 0) return Spawned{pid, base::Fd(static_cast<int>(pidfd))};
    const int failed = errno;
    ::kill(pid, SIGKILL); // our own child, not yet waited for: the number is still its own
    ::waitpid(pid, nullptr, 0);
    return tl::unexpected(SpawnFailure{failed, false});
}

/// No clone3, a filter against it, or a kernel that does not know one of the flags or fields.
bool refused(int error) noexcept { return error == ENOSYS || error == EPERM || error == EINVAL || error == E2BIG; }

tl::expected<Spawned, SpawnFailure> make(Task& task)
{
#if PM_RAW_SYSCALLS
    auto made = spawn_fast(task);
    // With a cgroup the refusal may be about the cgroup: the caller then asks again without one.
    if (made || !refused(made.error().error) || task.request->cgroup >= 0) return made;
#endif
    return spawn_by_fork(task);
}

} // namespace

tl::expected<Spawned, SpawnFailure> spawn(const SpawnRequest& request)
{
    const std::string_view program(request.program);
    std::string name(program.substr(program.rfind('/') + 1));
    char* const arguments[] = {name.data(), nullptr};
    char* const environment[] = {nullptr};
    Task task{&request, arguments, environment, 0};
    auto made = make(task);
    if (made && task.error != 0) {
        siginfo_t info{};
        ::waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(made->pidfd.get()), &info, WEXITED);
        return tl::unexpected(SpawnFailure{static_cast<int>(task.error), true});
    }
    return made;
}

} // namespace pm::launch
