// SPDX-License-Identifier: Apache-2.0
#include "bus/guarded.hpp"

#include <gtest/gtest.h>
#include <stdexcept>

namespace pm::bus
{
namespace
{

using base::ErrorCode;

TEST(ToDbus, NamesTheErrorAndMakesEachLineHarmless)
{
    const sdbus::Error error = to_dbus({ErrorCode::NoSuchApp, "one \033[31m\ntwo\a"});
    EXPECT_EQ(error.getName(), "org.pmd1.Error.NoSuchApp");
    EXPECT_EQ(error.getMessage(), "one ?[31m\ntwo?");
}

/// The name and message a handler's caller gets; empty when none was thrown.
template <typename Body>
std::string thrown(Body&& body)
{
    try {
        guarded(body);
    } catch (const sdbus::Error& error) {
        return error.getName() + ": " + error.getMessage();
    }
    return {};
}

TEST(Guarded, LetsNothingOutButDbusErrors)
{
    EXPECT_EQ(guarded([]() -> base::Result<int> { return 7; }), 7);
    EXPECT_EQ(thrown([]() -> base::Result<void> { return {}; }), "");
    EXPECT_EQ(thrown([]() -> base::Result<int> { return base::fail(ErrorCode::Busy, "later"); }),
              "org.pmd1.Error.Busy: later");
    EXPECT_EQ(thrown([]() -> base::Result<void> { throw std::runtime_error("oh"); }),
              "org.pmd1.Error.Failed: internal error: oh");
    EXPECT_EQ(thrown([]() -> base::Result<void> { throw dbus::make_error("a.b", "c"); }), "a.b: c");
}

struct FakeReply {
    std::string said;
    void error(const base::Error& error) { said = std::string(base::dbus_name(error.code)) + ": " + error.message; }
};
template <typename Body>
std::string answered(Body&& body)
{
    FakeReply reply;
    guarded_reply(reply, body);
    return reply.said;
}

TEST(GuardedReply, AnswersNowOnlyWhenSomethingIsWrong)
{
    EXPECT_EQ(answered([]() -> base::Result<void> { return {}; }), "");
    EXPECT_EQ(answered([]() -> base::Result<void> { return base::fail(ErrorCode::Busy, "later"); }),
              "org.pmd1.Error.Busy: later");
    EXPECT_EQ(answered([]() -> base::Result<void> { throw std::runtime_error("oh"); }),
              "org.pmd1.Error.Failed: internal error: oh");
    EXPECT_EQ(answered([]() -> base::Result<void> { throw dbus::make_error("a.b", "c"); }),
              "org.pmd1.Error.InvalidArgument: c");
}

} // namespace
} // namespace pm::bus
