// SPDX-License-Identifier: Apache-2.0
// The calls that ask about instances, and the words that others get.
#include "bus/list_apps.hpp"

#include "bus_world.hpp"

#include <algorithm>
#include <array>
#include <unistd.h>

namespace pm::bus::testing
{
namespace
{

using base::ErrorCode;
using engine::testing::app;
using namespace std::chrono_literals;

TEST(AppPath, IsEscaped)
{
    EXPECT_EQ(app_path("web"), "/org/pmd1/app/web");
    EXPECT_EQ(app_path("my-app.1"), "/org/pmd1/app/my_2dapp_2e1");
    EXPECT_EQ(app_path("7"), "/org/pmd1/app/_37");
}

TEST(Summary, HasALineAFailureTenAtMost)
{
    engine::Outcome outcome;
    for (std::uint32_t i = 0; i < 12; ++i)
        outcome.failures.push_back(
            {"web", base::InstanceId{i}, {i == 0 ? ErrorCode::LaunchFailed : ErrorCode::Failed, "bad"}});
    const base::Error error = summarise(outcome);
    EXPECT_EQ(error.code, ErrorCode::LaunchFailed);
    EXPECT_TRUE(error.message.starts_with("web (id 0): bad\nweb (id 1): bad\n")) << error.message;
    EXPECT_TRUE(error.message.ends_with("web (id 9): bad\nand 2 more")) << error.message;
    outcome.failures.resize(1);
    EXPECT_EQ(summarise(outcome).message, "web (id 0): bad");
}

class CallsTest : public BusTest
{
protected:
    CallsTest()
    {
        auto db = app("db");
        db.name_space = "back";
        db.user = "postgres";
        online({app("web", 2), db, app("7")});
    }
    /// "name.slot id" of each row.
    std::string listed(const OptionMap& filter)
    {
        const auto rows = list_apps(context, filter);
        if (!rows) return rows.error().message;
        std::string text;
        for (const ListRow& row : *rows)
            text += (text.empty() ? "" : ", ") + row.get<0>() + "." + std::to_string(row.get<3>()) + " " +
                    std::to_string(row.get<2>());
        return text;
    }
    ListRow row(const std::string& target, bool usage)
    {
        auto rows = list_apps(context, {{"target", sdbus::Variant(target)}, {"usage", sdbus::Variant(usage)}});
        EXPECT_TRUE(rows && !rows->empty());
        return rows && !rows->empty() ? rows->front() : ListRow{};
    }
};

TEST_F(CallsTest, ListNamesTheUserOfTheSpecElsePmdsOwn)
{
    EXPECT_EQ(row("db", false).get<12>(), "postgres");
    EXPECT_EQ(row("web", false).get<12>(), "me");
}

TEST_F(CallsTest, ListTakesTargetsAsCommandsDo)
{
    EXPECT_EQ(listed({}), "web.0 0, web.1 1, db.0 2, 7.0 3");
    EXPECT_EQ(listed({{"target", sdbus::Variant(std::string("all"))}}), "web.0 0, web.1 1, db.0 2, 7.0 3");
    EXPECT_EQ(listed({{"target", sdbus::Variant(std::string("web"))}}), "web.0 0, web.1 1");
    EXPECT_EQ(listed({{"target", sdbus::Variant(std::string("back"))}}), "db.0 2");
    EXPECT_EQ(listed({{"target", sdbus::Variant(std::string("/e/"))}}), "web.0 0, web.1 1");
    EXPECT_EQ(listed({{"target", sdbus::Variant(std::string("1"))}}), "web.1 1"); // an id: that instance, not its app
    EXPECT_EQ(listed({{"target", sdbus::Variant(std::string("7"))}}), "7.0 3");   // a name, though it looks like an id
    EXPECT_EQ(list_apps(context, {{"target", sdbus::Variant(std::string("none"))}}).error().code, ErrorCode::NoSuchApp);
    EXPECT_EQ(list_apps(context, {{"target", sdbus::Variant(true)}}).error().code, ErrorCode::InvalidArgument);
}

TEST_F(CallsTest, RowsShowTheInstance)
{
    world.advance(5s);
    const ListRow web = row("1", false);
    EXPECT_EQ(web.get<4>(), 101U); // pid
    EXPECT_EQ(web.get<5>(), "online");
    EXPECT_EQ(web.get<7>(), 5'000'000U);
    EXPECT_EQ(row("db", false).get<12>(), "postgres");
    world.crash(1, SIGSEGV);
    EXPECT_EQ(row("1", false).get<6>(), "restarted after SIGSEGV");
    EXPECT_EQ(row("1", false).get<8>(), 1U);
}

TEST_F(CallsTest, UsageIsMeasuredOnlyWhenAskedFor)
{
    world.advance(10s);
    meter.usages[{base::InstanceId{0}, base::Generation{1}}] = {.cpu_usec = 1'000'000, .memory_bytes = 77};
    EXPECT_EQ(row("0", false).get<11>(), 0U);
    EXPECT_EQ(meter.asked, 0);
    const ListRow measured = row("0", true);
    EXPECT_EQ(meter.asked, 1);
    EXPECT_DOUBLE_EQ(measured.get<10>(), 10);
    EXPECT_EQ(measured.get<11>(), 77U);
    ASSERT_TRUE(world.supervisor.operate(engine::Verb::Stop, "all", [](const engine::Outcome&) {}));
    world.deliver();
    EXPECT_EQ(row("0", true).get<11>(), 0U);
    EXPECT_EQ(meter.asked, 1); // nothing runs: nobody to ask about
}

TEST_F(CallsTest, EnvironmentIsAMapOfUnchangedValues)
{
    meter.lines = std::vector<std::string>{"A=1", "B=x=y", "C=", "odd", "D=\033[31m"};
    EXPECT_EQ(environment_of(context, base::InstanceId{0}).value(),
              (std::map<std::string, std::string>{{"A", "1"}, {"B", "x=y"}, {"C", ""}, {"D", "\x1b[31m"}}));
    EXPECT_EQ(environment_of(context, base::InstanceId{99}).error().code, ErrorCode::NoSuchApp);
    meter.lines = base::fail(ErrorCode::Busy, "not yet");
    EXPECT_EQ(environment_of(context, base::InstanceId{0}).error().code, ErrorCode::Busy);
}

TEST_F(CallsTest, LogSourcesAreTheFilesOfEachInstance)
{
    const auto sources = log_sources(context, "web");
    ASSERT_EQ(sources.size(), 2U);
    EXPECT_EQ(sources[1].id.value, 1U);
    EXPECT_EQ(sources[1].paths.out.path, "/state/logs/web-1-out.log");
    EXPECT_TRUE(log_sources(context, "none").empty());
}

TEST_F(CallsTest, OpenLogChecksItsOptions)
{
    EXPECT_TRUE(
        open_log(context, "web", {{"stream", sdbus::Variant(std::string("err"))}, {"format", sdbus::Variant(std::string("raw"))}, {"follow", sdbus::Variant(false)}}));
    EXPECT_EQ(open_log(context, "web", {{"stream", sdbus::Variant(std::string("in"))}}).error().message,
              "option 'stream' is 'out' or 'err', not 'in'");
    EXPECT_EQ(open_log(context, "web", {{"format", sdbus::Variant(std::string("xml"))}}).error().message,
              "option 'format' is 'raw' or 'json', not 'xml'");
    EXPECT_EQ(open_log(context, "web", {{"lines", sdbus::Variant(-1)}}).error().code, ErrorCode::InvalidArgument);
    EXPECT_EQ(open_log(context, "none", {}).error().code, ErrorCode::NoSuchApp);
}

TEST_F(CallsTest, OpenMessagesFollowsWhatTheCallerMay)
{
    const auto no_web = [](const std::string& name, uid_t) { return name != "web"; };
    const auto stream = open_messages(context, "all", {}, {.may = no_web});
    ASSERT_TRUE(stream) << stream.error().message;
    EXPECT_EQ(logs.open_readers(), 1U);
    for (int turn = 0; turn < 3; ++turn) loop.run_once(0us); // it waits for lines now
    logs.message({"web", {0}, {0}, "1"});
    logs.message({"db", {2}, {0}, "2"});
    std::array<char, 100> text{};
    const ssize_t count = read(stream->get(), text.data(), text.size());
    EXPECT_TRUE(std::string_view(text.data(), static_cast<std::size_t>(std::max<ssize_t>(count, 0)))
                    .starts_with(R"({"app":"db","id":2,"slot":0,"message":2,)"));
    EXPECT_EQ(open_messages(context, "all", {{"lines", sdbus::Variant(1U)}}).error().code, ErrorCode::InvalidArgument);
    EXPECT_EQ(open_messages(context, "none", {}).error().code, ErrorCode::NoSuchApp);
}

TEST_F(CallsTest, ScaleRefusesAtOnce)
{
    const Reply<uint32_t> reply(sdbus::Result<uint32_t>{}, quota.take("x", 7));
    EXPECT_EQ(scale(context, reply, "none", "2").error().code, ErrorCode::NoSuchApp);
    EXPECT_EQ(scale(context, reply, "web", "many").error().code, ErrorCode::InvalidArgument);
    EXPECT_FALSE(reply.answered()); // the caller of scale() does that
}

TEST_F(CallsTest, ScaleAnswersWhenTheInstancesAreThere)
{
    const Reply<uint32_t> reply(sdbus::Result<uint32_t>{}, quota.take("x", 7));
    ASSERT_TRUE(scale(context, reply, "web", "+1"));
    EXPECT_FALSE(reply.answered());
    EXPECT_EQ(world.supervisor.instance_count(), 5U);
}

TEST_F(CallsTest, AnAppInTheJournalHasNoFilesToRead)
{
    EXPECT_EQ(log_sources(context, "web").at(1).paths.out.path, "/state/logs/web-1-out.log");
    logs::LogOptions options;
    options.journal = true;
    logs.set_options(options);
    EXPECT_EQ(log_sources(context, "web").at(1).paths.out.path, "");
}

} // namespace
} // namespace pm::bus::testing
