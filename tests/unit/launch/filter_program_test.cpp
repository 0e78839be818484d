// SPDX-License-Identifier: Apache-2.0
// The BPF program of the filter, of every architecture, interpreted as the kernel would do it.
#include "launch/pm-exec/filter_program.hpp"

#include <cstring>
#include <gtest/gtest.h>
#include <iterator>
#include <optional>

namespace pm::launch::exec {
namespace {

constexpr std::uint32_t kX32 = 0x40000000; // __X32_SYSCALL_BIT

/// What the program returns for `data`; nothing when it does what the kernel would refuse, or this does not know.
std::optional<std::uint32_t> verdict(const FilterProgram& program, const seccomp_data& data)
{
    std::uint32_t accumulator = 0;
    for (std::size_t at = 0; at < std::size(program.steps); ++at) {
        const sock_filter& step = program.steps[at];
        switch (step.code) {
        case BPF_LD | BPF_W | BPF_ABS:
            if (step.k % 4 != 0 || step.k > sizeof data - sizeof accumulator) return std::nullopt;
            std::memcpy(&accumulator, reinterpret_cast<const char*>(&data) + step.k, sizeof accumulator);
            break;
        case BPF_JMP | BPF_JEQ | BPF_K: at += accumulator == step.k ? step.jt : step.jf; break;
        case BPF_RET | BPF_K: return step.k;
        default: return std::nullopt;
        }
    }
    return std::nullopt;
}

struct Row {
    const char* name;
    FilteredCalls calls;
    FilteredCalls others[3]; ///< whose programs the same kernel runs, and the other one's
};

class Programs : public testing::TestWithParam<Row> {
protected:
    [[nodiscard]] std::optional<std::uint32_t> of(std::uint32_t arch, std::uint32_t number) const
    {
        seccomp_data data{};
        data.arch = arch;
        data.nr = static_cast<int>(number);
        std::memset(&data.args, 0xff, sizeof data.args);
        return verdict(filter_program(GetParam().calls), data);
    }
};

TEST_P(Programs, bind_and_listen_are_told_and_nothing_else)
{
    const FilteredCalls& calls = GetParam().calls;
    for (std::uint32_t number = 0; number < 1024; ++number)
        EXPECT_EQ(of(calls.arch, number),
                  number == calls.bind || number == calls.listen ? SECCOMP_RET_USER_NOTIF : SECCOMP_RET_ALLOW)
            << number;
    EXPECT_EQ(of(calls.arch, ~0U), SECCOMP_RET_ALLOW); // a tracer skips a call so
}

TEST_P(Programs, calls_of_another_architecture_pass_whatever_their_numbers)
{
    for (const FilteredCalls& other : GetParam().others)
        for (std::uint32_t number = 0; number < 1024; ++number)
            EXPECT_EQ(of(other.arch, number), SECCOMP_RET_ALLOW) << other.arch << ": " << number;
}

TEST_P(Programs, calls_of_x32_pass)
{
    const FilteredCalls& calls = GetParam().calls;
    for (const std::uint32_t number : {calls.bind, calls.listen}) EXPECT_EQ(of(calls.arch, kX32 | number), SECCOMP_RET_ALLOW);
}

TEST(FilteredCalls, are_numbered_as_in_the_kernel)
{
    const auto told = [](const FilteredCalls& calls, std::uint32_t arch, int number) {
        seccomp_data data{};
        data.arch = arch;
        data.nr = number;
        return verdict(filter_program(calls), data) == SECCOMP_RET_USER_NOTIF;
    };
    for (const int number : {49, 50}) EXPECT_TRUE(told(kOfX86_64, 0xc000003e, number));   // arch/x86/entry/syscalls/syscall_64.tbl
    for (const int number : {200, 201}) EXPECT_TRUE(told(kOfAarch64, 0xc00000b7, number)); // include/uapi/asm-generic/unistd.h
}

constexpr FilteredCalls kOfI386 = {AUDIT_ARCH_I386, 361, 363};
constexpr FilteredCalls kOfArm = {AUDIT_ARCH_ARM, 282, 284};

INSTANTIATE_TEST_SUITE_P(Architectures, Programs,
                         testing::Values(Row{"x86_64", kOfX86_64, {kOfI386, kOfArm, kOfAarch64}},
                                         Row{"aarch64", kOfAarch64, {kOfArm, kOfI386, kOfX86_64}}),
                         [](const auto& row) { return row.param.name; });

} // namespace
} // namespace pm::launch::exec
