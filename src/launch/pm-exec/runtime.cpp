// SPDX-License-Identifier: Apache-2.0
// What a program needs to begin without a C library: an entry point and the four functions compilers call by
// themselves. Other architectures link libc statically instead.
#include "launch/pm-exec/sys.hpp"

#include <cstddef>

extern "C" [[noreturn]] void pm_exec_run(char** environment) noexcept;

#if PM_RAW_SYSCALLS

/// `stack` is as the kernel leaves it (System V ABI, "Process Initialization"): argc, argv, null, environment, null.
extern "C" [[noreturn, gnu::used]] void pm_exec_begin(long* stack) noexcept
{
    pm_exec_run(reinterpret_cast<char**>(stack + stack[0] + 2));
}

#if defined(__x86_64__)
asm(".globl _start\n"
    ".type _start, @function\n"
    "_start:\n"
    "    xor %ebp, %ebp\n"
    "    mov %rsp, %rdi\n"
    "    and $-16, %rsp\n"
    "    call pm_exec_begin\n"
    "    ud2\n");
#else
asm(".globl _start\n"
    ".type _start, %function\n"
    "_start:\n"
    "    mov x29, #0\n"
    "    mov x30, #0\n"
    "    mov x0, sp\n"
    "    bl pm_exec_begin\n"
    "    brk #0\n");
#endif

extern "C" void* memcpy(void* __restrict to, const void* __restrict from, std::size_t size) noexcept
{
    auto* out = static_cast<char*>(to);
    const auto* in = static_cast<const char*>(from);
    for (std::size_t i = 0; i < size; ++i) out[i] = in[i];
    return to;
}

extern "C" void* memset(void* to, int value, std::size_t size) noexcept
{
    auto* out = static_cast<char*>(to);
    for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<char>(value);
    return to;
}

extern "C" int memcmp(const void* left, const void* right, std::size_t size) noexcept
{
    const auto* a = static_cast<const unsigned char*>(left);
    const auto* b = static_cast<const unsigned char*>(right);
    for (std::size_t i = 0; i < size; ++i)
        if (a[i] != b[i]) return a[i] < b[i] ? -1 : 1;
    return 0;
}

extern "C" std::size_t strlen(const char* text) noexcept
{
    std::size_t length = 0;
    while (text[length] != '\0') ++length;
    return length;
}

#else

int main(int, char**, char** environment) { pm_exec_run(environment); }

#endif
