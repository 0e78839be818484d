// SPDX-License-Identifier: Apache-2.0
// System calls without a C library: the result is the kernel's own, -errno on failure.
//
// pm-exec uses them because a C library's start-up costs more than all of its work; the launcher's vfork child uses
// them because errno there would be the parent's. Other architectures go through libc's syscall().
#pragma once

#include <cerrno>
#include <cstdint>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__) || defined(__aarch64__)
#define PM_RAW_SYSCALLS 1
#else
#define PM_RAW_SYSCALLS 0
#endif

namespace pm::launch::sys {

#if defined(__x86_64__)
[[gnu::always_inline]] inline long raw(long number, long a, long b, long c, long d, long e, long f) noexcept
{
    long result = 0;
    register long r10 asm("r10") = d;
    register long r8 asm("r8") = e;
    register long r9 asm("r9") = f;
    asm volatile("syscall"
                 : "=a"(result)
                 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                 : "rcx", "r11", "memory");
    return result;
}
#elif defined(__aarch64__)
[[gnu::always_inline]] inline long raw(long number, long a, long b, long c, long d, long e, long f) noexcept
{
    register long x8 asm("x8") = number;
    register long x0 asm("x0") = a;
    register long x1 asm("x1") = b;
    register long x2 asm("x2") = c;
    register long x3 asm("x3") = d;
    register long x4 asm("x4") = e;
    register long x5 asm("x5") = f;
    asm volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory", "cc");
    return x0;
}
#else
inline long raw(long number, long a, long b, long c, long d, long e, long f) noexcept
{
    const long result = ::syscall(number, a, b, c, d, e, f);
    return result < 0 ? -errno : result;
}
#endif

template <typename Type>
[[gnu::always_inline]] inline long word(Type value) noexcept
{
    return static_cast<long>(value);
}
template <typename Type>
[[gnu::always_inline]] inline long word(Type* value) noexcept
{
    return reinterpret_cast<long>(value);
}

/// One system call; arguments that are not given are 0.
template <typename A = long, typename B = long, typename C = long, typename D = long, typename E = long>
[[gnu::always_inline]] inline long call(long number, A a = {}, B b = {}, C c = {}, D d = {}, E e = {}) noexcept
{
    return raw(number, word(a), word(b), word(c), word(d), word(e), 0);
}

[[noreturn]] inline void leave(int code) noexcept
{
    for (;;) call(SYS_exit_group, code);
}

} // namespace pm::launch::sys
