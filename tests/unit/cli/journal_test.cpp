// SPDX-License-Identifier: Apache-2.0
// Reading the journal: files made by systemd-journal-remote from entries that are written down here.
#include "cli/logs/journal_access.hpp"
#include "cli/logs/journal_reader.hpp"
#include "scratch.hpp"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

namespace pm::cli {
namespace {

constexpr const char* kRemote = "/lib/systemd/systemd-journal-remote";

using Fields = std::vector<std::string>;

Fields of_unit(const std::string& unit, const std::string& slice, const std::string& text, Fields more = {})
{
    Fields fields{"MESSAGE=" + text,       "_SYSTEMD_UNIT=" + unit, "_SYSTEMD_SLICE=" + slice,
                  "_TRANSPORT=stdout",     "PRIORITY=6",            "SYSLOG_FACILITY=3",
                  "SYSLOG_IDENTIFIER=web", "_UID=0"};
    fields.insert(fields.end(), more.begin(), more.end());
    return fields;
}
Fields web(const std::string& text, Fields more = {}) { return of_unit("pm-web-0.1.service", "pm-web.slice", text, std::move(more)); }
Fields of_user(const std::string& text, Fields more)
{
    Fields fields{"MESSAGE=" + text, "_TRANSPORT=stdout", "PRIORITY=6", "SYSLOG_FACILITY=3"};
    fields.insert(fields.end(), more.begin(), more.end());
    return fields;
}

class JournalReaderTest : public ::testing::Test {
protected:
    void SetUp() override
    {
        if (access(kRemote, X_OK) != 0) GTEST_SKIP() << kRemote << " is not installed (package systemd-journal-remote)";
    }
    /// Adds entries a second apart, the first at second `from`, to a file of their own.
    void write(const std::vector<Fields>& entries, std::uint64_t from = 1)
    {
        const std::string file = fmt::format("{}/{}.journal", scratch.path(), ++files_);
        FILE* remote = popen(fmt::format("{} --split-mode=none -o {} - >/dev/null 2>&1", kRemote, file).c_str(), "w");
        ASSERT_NE(remote, nullptr);
        for (const Fields& fields : entries) {
            const std::uint64_t usec = from++ * 1'000'000;
            std::string text = fmt::format("__REALTIME_TIMESTAMP={}\n__MONOTONIC_TIMESTAMP={}\n_BOOT_ID={:032x}\n", usec, usec, 7);
            for (const std::string& field : fields) text += field + "\n";
            text += "\n";
            std::fwrite(text.data(), 1, text.size(), remote);
        }
        ASSERT_EQ(pclose(remote), 0);
    }
    JournalReader open(std::vector<JournalApp> apps, std::optional<uid_t> user = {})
    {
        auto reader = JournalReader::open(std::move(apps), {user, scratch.path()});
        if (!reader) throw std::runtime_error(reader.error().message);
        return std::move(*reader);
    }
    static std::vector<std::string> texts(const std::vector<LogLine>& lines)
    {
        std::vector<std::string> all;
        for (const LogLine& line : lines) all.push_back(line.text);
        return all;
    }
    static std::vector<std::string> last(JournalReader& reader, std::size_t count = 100, const LogFilter& filter = {})
    {
        const auto lines = reader.last(count, filter, [] { return false; });
        EXPECT_TRUE(lines);
        return lines ? texts(*lines) : std::vector<std::string>();
    }
    static std::vector<std::string> rest(JournalReader& reader, const LogFilter& filter = {})
    {
        std::vector<LogLine> lines;
        for (std::size_t most = 1000;;) {
            auto line = reader.next(filter, most);
            EXPECT_TRUE(line);
            if (!line || !*line) return texts(lines);
            lines.push_back(std::move(**line));
        }
    }

    testing::Scratch scratch;

private:
    int files_ = 0;
};

using Strings = std::vector<std::string>;
const JournalApp kWeb{"web", {{0, 4}}, false};

TEST_F(JournalReaderTest, ShowsWhatTheAppWroteAndNothingAboutIt)
{
    write({web("one"),
           {"MESSAGE=web-0: online", "PM_APP=web", "PM_EVENT=online", "_SYSTEMD_UNIT=pmd.service", "_TRANSPORT=journal"},
           {"MESSAGE=I am web", "PM_APP=web", "_SYSTEMD_UNIT=user@1000.service", "_UID=1000", "_TRANSPORT=journal"},
           {"MESSAGE=Started pm-web-0.1.service", "UNIT=pm-web-0.1.service", "_SYSTEMD_UNIT=init.scope"},
           of_unit("pm-web2-0.1.service", "pm-web2.slice", "another app"),
           {"MESSAGE=gone writer", "PM_APP=web", "_SYSTEMD_UNIT=pm-web-1.7.service", "_TRANSPORT=stdout"}, // no slice: journald came late
           web("two")});
    auto reader = open({kWeb});
    EXPECT_EQ(last(reader), (Strings{"one", "gone writer", "two"}));
}

TEST_F(JournalReaderTest, TellsStreamInstanceTimeAndPriority)
{
    write({web("out", {"PM_ID=4"}),
           {"MESSAGE=err", "_SYSTEMD_UNIT=pm-web-3.1.service", "_SYSTEMD_SLICE=pm-web.slice", "_TRANSPORT=stdout", "SYSLOG_FACILITY=1", "PRIORITY=4",
            "PM_ID=9"},
           {"MESSAGE=own", "_SYSTEMD_UNIT=pm-web-0.1.service", "_SYSTEMD_SLICE=pm-web.slice", "_TRANSPORT=syslog", "SYSLOG_FACILITY=1"}});
    auto reader = open({kWeb});
    const auto lines = reader.last(10, {}, [] { return false; });
    ASSERT_TRUE(lines);
    ASSERT_EQ(lines->size(), 3u);
    EXPECT_EQ(to_json((*lines)[0]), R"({"app":"web","id":4,"slot":0,"stream":"out","line":"out","time":1000000,"priority":6})");
    EXPECT_EQ(to_json((*lines)[1]), R"({"app":"web","id":9,"slot":3,"stream":"err","line":"err","time":2000000,"priority":4})");
    EXPECT_EQ(to_json((*lines)[2]), R"({"app":"web","id":4,"slot":0,"stream":"log","line":"own","time":3000000})");
}

TEST_F(JournalReaderTest, TellsThePiecesOfALine)
{
    const auto piece = [](const std::string& text, const std::string& stream, const std::string& end) {
        Fields fields = web(text, {"_STREAM_ID=" + stream});
        if (!end.empty()) fields.push_back("_LINE_BREAK=" + end);
        return fields;
    };
    write({piece("a ", "1", "line-max"), piece("other", "2", ""), piece("b ", "1", "pid-change"), piece("c", "1", ""), piece("d", "1", "eof"),
           piece("e", "1", "")});
    auto reader = open({kWeb});
    const auto lines = reader.last(10, {}, [] { return false; });
    ASSERT_TRUE(lines);
    Strings seen;
    for (const LogLine& line : *lines) seen.push_back((line.continued ? "+" : "") + line.text + (line.partial ? "+" : ""));
    EXPECT_EQ(seen, (Strings{"a +", "other", "+b ", "c", "d", "e"}));
}

TEST_F(JournalReaderTest, CountsLinesOfEachAppThatAreShown)
{
    std::vector<Fields> entries;
    for (int i = 0; i < 5; ++i) {
        entries.push_back(web(fmt::format("web {}", i)));
        entries.push_back(of_unit("pm-a\\x2db-0.1.service", "pm-a\\x2db.slice", fmt::format("a-b {}", i)));
    }
    write(entries);
    auto reader = open({kWeb, {"a-b", {{0, 5}}, false}});
    EXPECT_EQ(last(reader, 2), (Strings{"web 3", "a-b 3", "web 4", "a-b 4"}));
    EXPECT_EQ(last(reader, 0), Strings{});
    LogFilter filter;
    filter.pattern = std::move(*LinePattern::compile("[012]$"));
    EXPECT_EQ(last(reader, 2, filter), (Strings{"web 1", "a-b 1", "web 2", "a-b 2"}));
}

TEST_F(JournalReaderTest, KeepsToTheTimesAskedFor)
{
    write({web("1"), web("2"), web("3"), web("4"), web("5")});
    auto reader = open({kWeb});
    LogFilter filter;
    filter.since = 2'000'000;
    filter.until = 4'000'000;
    EXPECT_EQ(last(reader, 100, filter), (Strings{"2", "3", "4"}));
    EXPECT_EQ(last(reader, 2, filter), (Strings{"3", "4"}));
    ASSERT_TRUE(reader.begin_at(2'000'000));
    EXPECT_EQ(rest(reader, filter), (Strings{"2", "3", "4"}));
    filter.until.reset();
    ASSERT_TRUE(reader.begin_at(2'000'000));
    EXPECT_EQ(rest(reader, filter), (Strings{"2", "3", "4", "5"}));
}

TEST_F(JournalReaderTest, OneInstanceAlone)
{
    write({web("of 0"), of_unit("pm-web-1.1.service", "pm-web.slice", "of 1")});
    auto reader = open({{"web", {{1, 8}}, true}});
    EXPECT_EQ(last(reader), Strings{"of 1"});
}

TEST_F(JournalReaderTest, NewLinesFollowTheLastOnesWithoutGapOrDouble)
{
    write({web("1"), web("2")});
    auto reader = open({kWeb});
    write({web("3"), {"MESSAGE=other"}, web("4")}, 3); // between open() and last()
    ASSERT_TRUE(reader.wake());
    EXPECT_EQ(last(reader, 2), (Strings{"3", "4"}));
    ASSERT_TRUE(reader.begin_after_last());
    EXPECT_EQ(rest(reader), Strings{});
    write({web("5"), web("6")}, 10);
    pollfd changed{reader.fd(), reader.events(), 0};
    ASSERT_EQ(poll(&changed, 1, 10'000), 1);
    ASSERT_TRUE(reader.wake());
    EXPECT_EQ(rest(reader), (Strings{"5", "6"}));
}

TEST_F(JournalReaderTest, FollowsFromNow)
{
    write({web("1"), web("2")});
    auto reader = open({kWeb});
    EXPECT_EQ(last(reader, 0), Strings{});
    ASSERT_TRUE(reader.begin_after_last());
    write({web("3")}, 3);
    ASSERT_TRUE(reader.wake());
    EXPECT_EQ(rest(reader), Strings{"3"});
}

TEST_F(JournalReaderTest, NextTakesAPortion)
{
    write({web("1"), web("2"), web("3")});
    auto reader = open({kWeb});
    ASSERT_TRUE(reader.begin_at(0));
    std::size_t most = 2;
    EXPECT_EQ((*reader.next({}, most))->text, "1");
    EXPECT_EQ((*reader.next({}, most))->text, "2");
    EXPECT_FALSE(*reader.next({}, most));
    EXPECT_EQ(most, 0u);
    most = 2;
    EXPECT_EQ((*reader.next({}, most))->text, "3");
    EXPECT_FALSE(*reader.next({}, most));
    EXPECT_EQ(most, 1u);
}

TEST_F(JournalReaderTest, AUsersServices)
{
    const Fields unit{"_UID=1000", "_SYSTEMD_UNIT=user@1000.service", "_SYSTEMD_USER_UNIT=pm-web-2.1.service", "_SYSTEMD_USER_SLICE=pm-web.slice",
                      "_STREAM_ID=aa", "SYSLOG_IDENTIFIER=web"};
    Fields of_other = unit;
    of_other[0] = "_UID=1001";
    write({of_user("one", unit), of_user("of another user", of_other),
           of_user("of a child that is gone", {"_UID=1000", "_STREAM_ID=aa", "SYSLOG_IDENTIFIER=web"}),
           of_user("of an unknown child", {"_UID=1000", "_STREAM_ID=bb", "SYSLOG_IDENTIFIER=web"}),
           of_user("another web", {"_UID=1000", "_SYSTEMD_UNIT=user@1000.service", "_SYSTEMD_USER_UNIT=web.service", "SYSLOG_IDENTIFIER=web"}),
           web("of the system's app", {"_UID=1000"})});
    auto reader = open({{"web", {{2, 4}, {3, 5}}, false}}, 1000);
    const auto lines = reader.last(10, {}, [] { return false; });
    ASSERT_TRUE(lines);
    EXPECT_EQ(texts(*lines), (Strings{"one", "of a child that is gone", "of an unknown child"}));
    ASSERT_TRUE(reader.begin_at(0)); // in this direction the stream is known before its second line
    const auto again = rest(reader);
    EXPECT_EQ(again.size(), 3u);
    EXPECT_FALSE((*lines)[2].slot);
    EXPECT_EQ((*lines)[0].slot, 2u);
}

/// Root may read everything: be somebody else for a while.
class AsNobody {
public:
    AsNobody()
    {
        if (was_ != 0) return;
        EXPECT_EQ(seteuid(65534), 0);
    }
    ~AsNobody() { EXPECT_EQ(seteuid(was_), 0); }
    AsNobody(const AsNobody&) = delete;
    AsNobody& operator=(const AsNobody&) = delete;

private:
    uid_t was_ = geteuid();
};

TEST(JournalAccess, IsRefusedWhenSomethingCannotBeRead)
{
    const testing::Scratch scratch;
    ASSERT_EQ(chmod(scratch.path().c_str(), 0755), 0);
    const auto check = [&](std::optional<uid_t> user) {
        const AsNobody nobody;
        return check_journal_access(user, {scratch.path(), scratch.path() + "/none"});
    };
    ASSERT_FALSE(check({}));
    EXPECT_NE(check({}).error().message.find("none is kept on this machine"), std::string::npos);
    scratch.write("user-1000.journal", "", 0644);
    EXPECT_TRUE(check({}));
    EXPECT_TRUE(check(1000));
    scratch.write("system.journal", "", 0);
    EXPECT_TRUE(check(1000)); // has a file of its own
    for (const std::optional<uid_t> user : {std::optional<uid_t>(), std::optional<uid_t>(1001)}) {
        ASSERT_FALSE(check(user));
        EXPECT_NE(check(user).error().message.find("'systemd-journal' or 'adm'"), std::string::npos);
    }
    ASSERT_EQ(chmod(scratch.path().c_str(), 0), 0);
    EXPECT_FALSE(check(1000));
}

} // namespace
} // namespace pm::cli
