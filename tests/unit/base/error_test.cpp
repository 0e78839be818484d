// SPDX-License-Identifier: Apache-2.0
#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/guard.hpp"

#include <cerrno>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <set>
#include <stdexcept>

namespace pm::base {
namespace {

TEST(Errors, RoundTripThroughTheirNames)
{
    std::set<std::string_view> names;
    for (int i = 0; i <= static_cast<int>(ErrorCode::Unavailable); ++i) {
        const auto code = static_cast<ErrorCode>(i);
        EXPECT_EQ(code_from_dbus_name(dbus_name(code)), code);
        EXPECT_TRUE(dbus_name(code).starts_with("org.pmd1.Error."));
        EXPECT_TRUE(names.insert(dbus_name(code)).second);
        EXPECT_NE(exit_status(code), 0);
    }
    EXPECT_EQ(code_from_dbus_name("org.freedesktop.DBus.Error.NoReply"), ErrorCode::Failed);
    EXPECT_EQ(exit_status(ErrorCode::InvalidSpec), 2);
    EXPECT_EQ(exit_status(ErrorCode::NoDaemon), 3);
}

TEST(Errors, SayWhatWasTried)
{
    const Result<int> result = fail_errno("opening '/x'", ENOENT);
    EXPECT_EQ(result.error().message, "opening '/x': No such file or directory");
}

TEST(Fds, AreClosedOnce)
{
    const auto open_null = [] { return Fd(::open("/dev/null", O_RDONLY | O_CLOEXEC)); };
    const auto is_open = [](int fd) { return ::fcntl(fd, F_GETFD) != -1; };
    Fd first = open_null();
    Fd second = open_null();
    const int one = first.get(), two = second.get();
    second = std::move(first);
    EXPECT_TRUE(is_open(one));
    EXPECT_FALSE(is_open(two));
    EXPECT_EQ(second.get(), one);
    EXPECT_FALSE(first); // NOLINT(bugprone-use-after-move): a moved-from Fd is "none"
    second.reset();
    EXPECT_FALSE(is_open(one));
}

TEST(Guard, LetsNothingOut)
{
    std::string fault;
    const auto keep = [&](const std::string& what) { fault = what; };
    guard([] {}, keep);
    EXPECT_EQ(fault, "");
    guard([] { throw std::runtime_error("broken"); }, keep);
    EXPECT_EQ(fault, "broken");
    guard([] { throw 1; }, keep);
    EXPECT_EQ(fault, "unknown exception");
    guard([] { throw 1; }, [](const std::string&) { throw 2; });
}

} // namespace
} // namespace pm::base
