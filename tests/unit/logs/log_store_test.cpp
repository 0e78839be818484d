// SPDX-License-Identifier: Apache-2.0
// The whole store on the event loop, with real pipes and files.
#include "logs/format.hpp"
#include "logs/log_store.hpp"
#include "scratch.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

namespace pm::logs {
namespace {

using namespace std::chrono_literals;

void say(const base::Fd& fd, std::string_view text)
{
    ASSERT_EQ(::write(fd.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
}

std::vector<std::string> lines_of(const std::string& text)
{
    std::vector<std::string> lines;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) lines.push_back(line);
    return lines;
}

class LogStoreTest : public testing::Test {
protected:
    LogStoreTest()
    {
        spec.name = "web";
        options.directory = scratch / "logs";
        options.patience = 1h; // where it matters, a test says so
        make_store();
    }
    void make_store()
    {
        store = std::make_unique<LogStore>(loop, options, [this](const std::string& text) { warnings.push_back(text); });
    }
    engine::Stdio start(std::uint32_t slot = 0, const std::string& app = "web", bool several = false,
                        const model::SharedIdentity& user = nullptr)
    {
        auto copy = std::make_shared<model::AppSpec>(spec);
        copy->name = app;
        auto stdio = store->open({{{slot + 10}, {1}}, {slot}, copy, several}, user);
        EXPECT_TRUE(stdio) << stdio.error().message;
        return std::move(*stdio);
    }
    LogSource source(std::uint32_t slot = 0, const std::string& app = "web")
    {
        model::AppSpec copy = spec;
        copy.name = app;
        return {app, {slot + 10}, {slot}, log_paths(copy, {slot}, false, options.directory)};
    }
    /// The nonblocking read end of a reader.
    base::Fd follow(const std::vector<LogSource>& sources, std::vector<std::string> apps, ReaderOptions how = {})
    {
        auto fd = store->open_reader(sources, std::move(apps), how);
        EXPECT_TRUE(fd) << fd.error().message;
        EXPECT_NE(fcntl(fd->get(), F_GETFD) & FD_CLOEXEC, 0);
        fcntl(fd->get(), F_SETFL, O_NONBLOCK);
        return std::move(*fd);
    }
    /// Serves everything that is ready now.
    void settle(int turns = 40)
    {
        for (int i = 0; i < turns; ++i) loop.run_once(0us);
    }
    /// All that a reader gets until neither it nor the loop has more.
    std::string take(const base::Fd& fd, bool* ended = nullptr)
    {
        std::string all;
        std::vector<char> buffer(1 << 16);
        for (int quiet = 0; quiet < 10;) {
            loop.run_once(0us);
            const ssize_t got = ::read(fd.get(), buffer.data(), buffer.size());
            if (got > 0) all.append(buffer.data(), static_cast<std::size_t>(got));
            if (got == 0 && ended != nullptr) *ended = true;
            quiet = got > 0 ? 0 : quiet + 1;
        }
        return all;
    }
    std::string out_file(std::uint32_t slot = 0) { return options.directory + "/web-" + std::to_string(slot) + "-out.log"; }
    std::string err_file() { return options.directory + "/web-0-error.log"; }

    Scratch scratch;
    io::EventLoop loop;
    LogOptions options;
    std::vector<std::string> warnings;
    model::AppSpec spec;
    std::unique_ptr<LogStore> store;
};

TEST_F(LogStoreTest, KeepsBothStreamsByLine)
{
    const auto stdio = start();
    say(stdio.out, "one\ntw");
    say(stdio.err, "bad\n");
    settle();
    EXPECT_EQ(contents(out_file()), "one\n");
    EXPECT_EQ(contents(err_file()), "bad\n");
    say(stdio.out, "o\n");
    settle();
    EXPECT_EQ(contents(out_file()), "one\ntwo\n");
}

TEST_F(LogStoreTest, TheAppGetsBlockingEndsThatDoNotLeak)
{
    const auto stdio = start();
    for (const base::Fd* fd : {&stdio.out, &stdio.err}) {
        EXPECT_EQ(fcntl(fd->get(), F_GETFL) & O_NONBLOCK, 0);
        EXPECT_NE(fcntl(fd->get(), F_GETFD) & FD_CLOEXEC, 0);
    }
}

TEST_F(LogStoreTest, EndOfFileFlushesTheBegunLineAndClosesTheStream)
{
    {
        const auto stdio = start();
        EXPECT_EQ(store->open_streams(), 2u);
        say(stdio.out, "no end");
    }
    settle();
    EXPECT_EQ(contents(out_file()), "no end\n");
    EXPECT_EQ(store->open_streams(), 0u);
}

/// Keeps copies, as if pmd were executed anew: what was kept is there for another store.
class Copies final : public PipeDepot {
public:
    void keep(const std::string& name, int fd) override { kept[name] = base::Fd(fcntl(fd, F_DUPFD_CLOEXEC, 3)); }
    void drop(const std::string& name) override { kept.erase(name); }
    base::Fd take(const std::string& name) override { return std::move(kept.extract(name).mapped()); }
    std::map<std::string, base::Fd> kept;
};

TEST_F(LogStoreTest, AnotherStoreGoesOnWithABegunLine)
{
    Copies copies;
    store->set_depot(copies);
    const auto stdio = start();
    const std::string odd("whole\nbe\xffgun");
    say(stdio.out, odd);
    settle();
    say(stdio.out, ", more");
    auto begun = store->begun_lines();
    ASSERT_EQ(begun.size(), 1u);
    EXPECT_EQ(begun.at("log-10-1-out").text, "be\xffgun");
    make_store();
    store->set_depot(copies);
    store->go_on_with(std::move(begun));
    store->resume({{{10}, {1}}, {0}, std::make_shared<model::AppSpec>(spec), false}, nullptr);
    say(stdio.out, ", ended\n");
    settle();
    EXPECT_EQ(contents(out_file()), "whole\nbe\xffgun, more, ended\n");
}

TEST_F(LogStoreTest, CatchesUpWithWhatPipesHave)
{
    Copies copies;
    store->set_depot(copies);
    const auto lives = start(0);
    say(lives.out, "lives\n");
    const std::string many(60'000, '\n');
    {
        const auto ended = start(1);
        say(ended.out, many + "last word");
    }
    store->catch_up();
    EXPECT_EQ(contents(out_file(0)), "lives\n");
    EXPECT_EQ(contents(out_file(1)), many + "last word\n");
    EXPECT_EQ(store->open_streams(), 2U) << "those of the one that ended are at their end";
    EXPECT_EQ(copies.kept.size(), 2U);
}

TEST_F(LogStoreTest, TextWithoutALineEndIsPassedOnAfterAMoment)
{
    options.patience = 20ms;
    make_store();
    const auto reader = follow({}, {"web"});
    const auto raw = follow({}, {"web"}, {.format = ReaderFormat::Raw});
    const auto stdio = start();
    const auto begun = std::chrono::steady_clock::now();
    say(stdio.out, "Name: ");
    settle();
    EXPECT_TRUE(contents(out_file()).empty() || std::chrono::steady_clock::now() - begun >= 20ms);
    while (contents(out_file()).empty()) loop.run_once(10s);
    EXPECT_EQ(contents(out_file()), "Name: ");
    EXPECT_EQ(nlohmann::json::parse(take(reader))["partial"], true);
    EXPECT_EQ(take(raw), "Name: ");
    for (int i = 0; i < 3; ++i) EXPECT_FALSE(sd_event_run(loop.get(), 0)) << "nothing is left to wait for";
    say(stdio.out, "Ada\n");
    settle();
    EXPECT_EQ(contents(out_file()), "Name: Ada\n");
    const auto rest = nlohmann::json::parse(take(reader));
    EXPECT_EQ(rest["line"], "Ada");
    EXPECT_EQ(rest["continued"], true);
    EXPECT_FALSE(rest.contains("partial"));
    EXPECT_EQ(take(raw), "Ada\n");
}

TEST_F(LogStoreTest, ARawReaderOfSeveralStreamsGetsALineEndWhereTheyMeet)
{
    options.patience = 0ms;
    make_store();
    const auto raw = follow({}, {"web"}, {.format = ReaderFormat::Raw});
    const auto stdio = start();
    say(stdio.out, "Name: ");
    std::string all;
    while (all.empty()) all += take(raw);
    say(stdio.err, "warning\n");
    all += take(raw);
    say(stdio.out, "Ada\n");
    all += take(raw);
    EXPECT_EQ(all, "Name: \nwarning\nAda\n");
}

TEST_F(LogStoreTest, ALineOfAnyLengthIsOneInARawFile)
{
    const std::string line = "{\"text\":\"" + std::string(1'000'000, 'x') + "\xe2\x82\xac\"}";
    const auto stdio = start();
    ASSERT_GE(fcntl(stdio.out.get(), F_SETPIPE_SZ, 1 << 20), 1 << 20);
    say(stdio.out, line + "\nnext\n");
    settle(100);
    EXPECT_EQ(contents(out_file()), line + "\nnext\n");
}

TEST_F(LogStoreTest, WhatIsInThePipeIsTheEndOfALineHoweverLateItIsRead)
{
    options.patience = 1ms;
    spec.logs.type = model::LogType::Json;
    make_store();
    const auto stdio = start();
    const std::string half(5'000, 'x'); // more than is read at once in this form
    say(stdio.out, half);
    const auto read_some = std::chrono::steady_clock::now() + 10ms;
    loop.run_once(0us);
    say(stdio.out, half + "\n");
    while (std::chrono::steady_clock::now() < read_some) {
    }
    settle();
    const auto lines = lines_of(contents(out_file()));
    ASSERT_EQ(lines.size(), 1u);
    EXPECT_EQ(nlohmann::json::parse(lines[0])["message"], half + half);
}

TEST_F(LogStoreTest, AnotherStoreGoesOnWithinALineThatWasPassedOn)
{
    options.patience = 0ms;
    spec.logs.date_format = "at";
    make_store();
    Copies copies;
    store->set_depot(copies);
    const auto stdio = start();
    say(stdio.out, "Name: ");
    while (contents(out_file()).empty()) loop.run_once(10s);
    auto begun = store->begun_lines();
    make_store();
    store->set_depot(copies);
    store->go_on_with(std::move(begun));
    store->resume({{{10}, {1}}, {0}, std::make_shared<model::AppSpec>(spec), false}, nullptr);
    const auto reader = follow({}, {"web"});
    say(stdio.out, "Ada\nx\n");
    settle();
    EXPECT_EQ(contents(out_file()), "at: Name: Ada\nat: x\n");
    EXPECT_TRUE(nlohmann::json::parse(lines_of(take(reader)).at(0)).value("continued", false));
}

TEST_F(LogStoreTest, BytesGoToRawFilesUnchanged)
{
    const auto stdio = start();
    const std::string odd("a\0b\xff\xc3\r\n", 7);
    say(stdio.out, odd);
    settle();
    EXPECT_EQ(contents(out_file()), odd);
}

TEST_F(LogStoreTest, DisabledLogsHaveNoPipes)
{
    spec.logs.disable_logs = true;
    const auto stdio = start();
    EXPECT_FALSE(stdio.out);
    EXPECT_FALSE(stdio.err);
    EXPECT_EQ(store->open_streams(), 0u);
}

TEST_F(LogStoreTest, StreamWithoutFileCanStillBeFollowed)
{
    spec.logs.out_file = "/dev/null";
    const auto reader = follow({}, {"web"}, {.format = ReaderFormat::Raw});
    const auto stdio = start();
    say(stdio.out, "seen\n");
    EXPECT_EQ(take(reader), "seen\n");
    EXPECT_FALSE(std::filesystem::exists(out_file()));
}

TEST_F(LogStoreTest, CombinedFileGetsBothAndDatesStandOncePerLine)
{
    spec.logs.log_file = "default";
    spec.logs.date_format = "D";
    const auto stdio = start();
    say(stdio.out, "a");
    settle();
    say(stdio.out, "b\n");
    settle();
    say(stdio.err, "c\n");
    settle();
    EXPECT_EQ(contents(options.directory + "/web.log"), "D: ab\nD: c\n");
    EXPECT_EQ(contents(out_file()), "D: ab\n");
    EXPECT_EQ(contents(err_file()), "D: c\n");
}

TEST_F(LogStoreTest, RemembersTheFilesOfTheLastProcessUntilToldToForget)
{
    spec.logs.error_file = scratch / "e.log";
    EXPECT_FALSE(store->paths_of({10}));
    start(0);
    ASSERT_TRUE(store->paths_of({10}));
    EXPECT_EQ(store->paths_of({10})->err.path, scratch / "e.log");
    start(0, "web", true); // its next process, started when there were several
    EXPECT_EQ(store->paths_of({10})->err.path, scratch / "e-0.log");
    store->forget({10});
    EXPECT_FALSE(store->paths_of({10}));
}

TEST_F(LogStoreTest, MergedLinesOfFourWritersStayWhole)
{
    spec.logs.merge_logs = true;
    constexpr int kLines = 300;
    {
        std::vector<engine::Stdio> apps;
        for (std::uint32_t slot = 0; slot < 4; ++slot) apps.push_back(start(slot, "web", true));
        for (int i = 0; i < kLines; ++i)
            for (std::size_t a = 0; a < apps.size(); ++a) {
                const std::string letters(20 + static_cast<std::size_t>(i) % 50, static_cast<char>('a' + a));
                say(apps[a].out, letters.substr(0, 7)); // in two pieces, with the loop between
                loop.run_once(0us);
                say(apps[a].out, letters.substr(7) + "\n");
            }
    }
    for (int guard = 0; store->open_streams() > 0 && guard < 10'000; ++guard) loop.run_once(0us);
    const auto lines = lines_of(contents(options.directory + "/web-out.log"));
    EXPECT_EQ(lines.size(), 4u * kLines);
    for (const std::string& line : lines) ASSERT_EQ(line, std::string(line.size(), line[0]));
}

TEST_F(LogStoreTest, ReaderGetsHistoryThenNewLinesWithoutGapOrDuplicate)
{
    const auto stdio = start();
    say(stdio.out, "1\n2\n3\n4\n5\nbeg");
    settle();
    const auto reader = follow({source()}, {"web"}, {.lines = 3, .format = ReaderFormat::Raw});
    say(stdio.out, "un\n6\n"); // arrives before the history has been read
    EXPECT_EQ(take(reader), "3\n4\n5\nbegun\n6\n");
    say(stdio.out, "7\n");
    EXPECT_EQ(take(reader), "7\n");
}

TEST_F(LogStoreTest, LinesKeptBeforeTheirFilesHistoryWasReadComeOnce)
{
    const auto stdio = start();
    const std::string much = std::string(1000, 'e') + "\n"; // more than the pipe takes: the other file has to wait
    std::string expected;
    for (int i = 0; i < 200; ++i) {
        say(stdio.err, much);
        expected += much;
        settle(2);
    }
    say(stdio.out, "1\n2\n3\n");
    settle();
    std::filesystem::last_write_time(err_file(), std::filesystem::last_write_time(out_file()) - 1h);
    const auto reader = follow({source()}, {"web"}, {.lines = 1000, .format = ReaderFormat::Raw});
    settle();
    say(stdio.out, "4\n");
    settle();
    ASSERT_EQ(contents(out_file()), "1\n2\n3\n4\n");
    EXPECT_EQ(take(reader), expected + "1\n2\n3\n4\n");
}

TEST_F(LogStoreTest, HistoryLargerThanThePipeArrivesWholeAroundLiveLines)
{
    const auto stdio = start();
    std::string expected;
    for (int i = 0; i < 9'000; ++i) {
        const std::string line = "history line number " + std::to_string(i) + "\n";
        expected += line;
        say(stdio.out, line);
        if (i % 1000 == 0) settle();
    }
    settle();
    const auto reader = follow({source()}, {"web"}, {.lines = 10'000, .format = ReaderFormat::Raw});
    say(stdio.out, "live\n");
    settle();
    EXPECT_EQ(take(reader), expected + "live\n");
}

TEST_F(LogStoreTest, WithoutFollowThePipeEndsAfterHistory)
{
    const auto stdio = start();
    say(stdio.out, "1\n2\n");
    settle();
    const auto reader = follow({source()}, {"web"}, {.lines = 1, .follow = false, .format = ReaderFormat::Raw});
    say(stdio.out, "3\n");
    bool ended = false;
    EXPECT_EQ(take(reader, &ended), "2\n");
    EXPECT_TRUE(ended);
    EXPECT_EQ(store->open_readers(), 0u);
}

TEST_F(LogStoreTest, OldLinesTellTheirDatesAndWhereTheyEnd)
{
    spec.logs.date_format = "%Y-%m-%d %H:%M:%S";
    std::filesystem::create_directories(options.directory);
    put(out_file(), "from before\n2026-11-25 10:00:00: dated\n");
    const auto stdio = start();
    LogSource dated = source();
    dated.spec = spec.logs;
    const base::Fd reader = follow({dated}, {"web"}, {.mark_history_end = true});
    say(stdio.out, "new\n");
    const auto lines = lines_of(take(reader));
    ASSERT_EQ(lines.size(), 4u);
    EXPECT_FALSE(nlohmann::json::parse(lines[0]).contains("time"));
    std::tm parts{};
    strptime("2026-11-25 10:00:00", "%Y-%m-%d %H:%M:%S", &parts);
    parts.tm_isdst = -1;
    EXPECT_EQ(nlohmann::json::parse(lines[1])["time"], mktime(&parts) * 1'000'000LL);
    EXPECT_EQ(lines[2], R"({"history":"end"})");
    EXPECT_EQ(nlohmann::json::parse(lines[3])["line"], "new");

    bool ended = false;
    EXPECT_EQ(take(follow({}, {}, {.follow = false, .mark_history_end = true}), &ended), std::string(kHistoryEnd));
    EXPECT_TRUE(ended);
}

TEST_F(LogStoreTest, SharedFileIsShownOnce)
{
    spec.logs.merge_logs = true;
    const auto stdio = start();
    say(stdio.out, "x\n");
    settle();
    const auto reader = follow({source(0), source(1), source(2)}, {}, {.follow = false, .format = ReaderFormat::Raw});
    EXPECT_EQ(take(reader), "x\n");
}

TEST_F(LogStoreTest, JsonTellsWhoseLineItIsAndIsAlwaysValid)
{
    const auto stdio = start(3);
    say(stdio.err, "old\n");
    settle();
    const auto reader = follow({source(3)}, {"web"});
    say(stdio.out, "new \xff\n");
    const auto lines = lines_of(take(reader));
    ASSERT_EQ(lines.size(), 2u);
    const nlohmann::json old = {{"app", "web"}, {"id", 13}, {"slot", 3}, {"stream", "err"}, {"line", "old"}};
    EXPECT_EQ(nlohmann::json::parse(lines[0]), old);
    const auto live = nlohmann::json::parse(lines[1]);
    EXPECT_EQ(live["line"], "new \xef\xbf\xbd");
    EXPECT_EQ(live["stream"], "out");
    EXPECT_GT(live["time"].get<std::int64_t>(), 1'600'000'000'000'000);
}

TEST_F(LogStoreTest, FollowsAppsThatStartLaterAndOnlyWhatWasAskedFor)
{
    const auto by_app = follow({}, {"web"}, {.err = false, .format = ReaderFormat::Raw});
    const auto by_id = follow({source(1)}, {}, {.format = ReaderFormat::Raw});
    const auto first = start(0);
    const auto second = start(1);
    const auto other = start(2, "other");
    say(first.out, "first\n");
    say(first.err, "error\n");
    settle();
    say(second.out, "second\n");
    say(other.out, "other\n");
    settle();
    EXPECT_EQ(take(by_app), "first\nsecond\n");
    EXPECT_EQ(take(by_id), "second\n");
}

TEST_F(LogStoreTest, AsksOnceForEachProcessThatNobodyNamed)
{
    std::vector<std::uint32_t> asked;
    auto reader = *store->open_reader({}, {}, {.format = ReaderFormat::Raw}, [&](base::InstanceId id) {
        asked.push_back(id.value);
        return id.value == 11;
    });
    fcntl(reader.get(), F_SETFL, O_NONBLOCK);
    const auto one = start(0, "one");
    const auto two = start(1, "two");
    for (int i = 0; i < 3; ++i) {
        say(one.out, "1\n");
        say(two.out, "2\n");
        settle();
    }
    const auto again = start(0, "one"); // may be somebody else's by now
    say(again.out, "1\n");
    settle();
    EXPECT_EQ(take(reader), "2\n2\n2\n");
    std::ranges::sort(asked);
    EXPECT_EQ(asked, (std::vector<std::uint32_t>{10, 10, 11}));
}

TEST_F(LogStoreTest, WhoFollowedAnAppHearsNothingOfItsSuccessor)
{
    const auto by_app = follow({}, {"web", "other"}, {.format = ReaderFormat::Raw});
    const auto by_id = follow({source(0)}, {}, {.format = ReaderFormat::Raw});
    const auto before = start(0);
    say(before.out, "before\n");
    settle();
    store->forget_app("web");
    const auto after = start(0);
    const auto other = start(1, "other");
    say(after.out, "after\n");
    say(other.out, "other\n");
    settle();
    EXPECT_EQ(take(by_app), "before\nother\n");
    EXPECT_EQ(take(by_id), "before\n");
}

TEST_F(LogStoreTest, OutputAndMessagesGoToThoseWhoFollowThem)
{
    const auto output = follow({}, {"web"});
    const auto messages = follow({}, {"web"}, {.lines = 0, .out = false, .err = false, .messages = true});
    const auto of_another = follow({}, {"other"}, {.messages = true});
    const auto stdio = start();
    settle();
    store->message({"web", {10}, {0}, R"({"a":[1.0]})"});
    say(stdio.out, "line\n");
    const auto lines = lines_of(take(output));
    ASSERT_EQ(lines.size(), 1U);
    EXPECT_EQ(nlohmann::json::parse(lines[0])["line"], "line");
    const std::string got = take(messages);
    EXPECT_EQ(got.substr(0, got.find(",\"time\":")), R"({"app":"web","id":10,"slot":0,"message":{"a":[1.0]})");
    EXPECT_EQ(lines_of(got).size(), 1U);
    EXPECT_EQ(take(of_another), "");
}

TEST_F(LogStoreTest, SlowReaderLosesTheOldestLinesAndIsToldHowMany)
{
    options.max_reader_buffer = 20'000;
    make_store();
    const auto stdio = start();
    for (const auto format : {ReaderFormat::Raw, ReaderFormat::Json}) {
        const auto reader = follow({}, {"web"}, {.format = format});
        settle();
        constexpr int kLines = 40'000;
        for (int i = 0; i < kLines; ++i) {
            say(stdio.out, std::to_string(i) + "\n");
            if (i % 500 == 0) settle(3);
        }
        settle();
        std::int64_t next = 0, lost = 0, markers = 0;
        for (const std::string& line : lines_of(take(reader))) {
            std::int64_t missed = 0;
            std::int64_t number = -1;
            if (format == ReaderFormat::Raw) {
                if (line.starts_with("... "))
                    missed = std::stol(line.substr(4));
                else
                    number = std::stol(line);
            } else {
                const auto object = nlohmann::json::parse(line);
                if (object.contains("lost"))
                    missed = object["lost"].get<std::int64_t>();
                else
                    number = std::stol(object["line"].get<std::string>());
            }
            markers += missed > 0 ? 1 : 0;
            lost += missed;
            next += missed;
            if (number >= 0) {
                ASSERT_EQ(number, next++); // a marker accounts exactly for the gap
            }
        }
        EXPECT_EQ(next, kLines); // the newest are kept
        EXPECT_GT(lost, 0);
        EXPECT_GE(markers, 1);
    }
    EXPECT_EQ(lines_of(contents(out_file())).size(), 80'000u); // the file has them all
}

TEST_F(LogStoreTest, ReaderThatLeavesIsForgottenAtOnce)
{
    auto idle = follow({}, {"web"});
    auto busy = follow({}, {"web"});
    settle();
    EXPECT_EQ(store->open_readers(), 2u);
    idle.reset();
    settle(2);
    EXPECT_EQ(store->open_readers(), 1u);
    const auto stdio = start();
    busy.reset();
    say(stdio.out, "x\n");
    settle();
    EXPECT_EQ(store->open_readers(), 0u);
    EXPECT_EQ(contents(out_file()), "x\n");
}

TEST_F(LogStoreTest, LineForAReaderThatHasJustLeftIsHarmless)
{
    const auto stdio = start();
    auto reader = follow({}, {"web"});
    settle(); // it waits for nothing, so the line is written to its pipe at once
    say(stdio.out, "x\n");
    auto leave = loop.add_deferred(io::Priority::Normal, [&] { reader.reset(); }).value();
    leave.set_enabled(true); // served before the line, whose turn comes before the reader's own end is seen
    settle();
    EXPECT_EQ(store->open_readers(), 0u);
    EXPECT_EQ(contents(out_file()), "x\n");
}

TEST_F(LogStoreTest, NumberOfReadersIsBounded)
{
    std::vector<base::Fd> readers;
    for (int i = 0; i < 64; ++i) readers.push_back(follow({}, {"web"}));
    const auto refused = store->open_reader({}, {"web"}, {});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, base::ErrorCode::LimitExceeded);
    readers.pop_back();
    settle(70);
    EXPECT_TRUE(store->open_reader({}, {"web"}, {}));
}

TEST_F(LogStoreTest, NobodyTakesAllReaders)
{
    std::vector<base::Fd> readers;
    const auto of = [](uid_t user) { return ReaderOptions{.user = user}; };
    for (int i = 0; i < 16; ++i) readers.push_back(store->open_reader({}, {"web"}, of(1000)).value());
    const auto refused = store->open_reader({}, {"web"}, of(1000));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, base::ErrorCode::LimitExceeded);
    EXPECT_TRUE(store->open_reader({}, {"web"}, of(1001)));
    EXPECT_TRUE(store->open_reader({}, {"web"}, {}));
    readers.pop_back();
    settle(20);
    EXPECT_TRUE(store->open_reader({}, {"web"}, of(1000)));
}

TEST_F(LogStoreTest, IdleReaderCausesNoWakeUps)
{
    const auto reader = follow({}, {"web"});
    settle();
    for (int i = 0; i < 5; ++i) EXPECT_EQ(sd_event_run(loop.get(), 0), 0);
}

TEST_F(LogStoreTest, FloodDelaysNeitherTimersNorOtherApps)
{
    const auto flood = start(0);
    const auto quiet = start(1);
    fcntl(flood.out.get(), F_SETFL, O_NONBLOCK);
    const std::string block(1 << 16, '\n');
    const auto pour = [&] { [[maybe_unused]] const ssize_t put = ::write(flood.out.get(), block.data(), block.size()); };
    int turn = 0;
    int timer_turn = -1;
    pour();
    settle(3);
    say(quiet.out, "here\n");
    auto timer = loop.add_timer(model::TimePoint{}, io::Priority::Processes, [&] { timer_turn = turn; }).value();
    for (; contents(out_file(1)).empty() && turn < 50; ++turn) {
        pour();
        loop.run_once(0us);
    }
    EXPECT_EQ(timer_turn, 0); // before any more of the flood
    EXPECT_LE(turn, 3);       // the timer, at most one portion of the flood, then the quiet app
    struct stat status {};
    ASSERT_EQ(stat(out_file(0).c_str(), &status), 0);
    EXPECT_GT(status.st_size, 0);
}

TEST_F(LogStoreTest, OneWakeUpReadsABoundedAmount)
{
    const auto flood = start();
    ASSERT_GE(fcntl(flood.out.get(), F_SETPIPE_SZ, 1 << 20), 1 << 20);
    say(flood.out, std::string(1 << 20, '\n'));
    while (loop.run_once(0us) && contents(out_file()).empty()) {
    }
    EXPECT_LE(contents(out_file()).size(), std::size_t{64} << 10);
}

TEST_F(LogStoreTest, FailingFileDoesNotStopFollowers)
{
    put(scratch / "file", "");
    spec.logs.out_file = scratch / "file/x.log";
    const auto reader = follow({}, {"web"}, {.format = ReaderFormat::Raw});
    const auto stdio = start();
    say(stdio.out, "still here\n");
    EXPECT_EQ(take(reader), "still here\n");
    EXPECT_EQ(warnings.size(), 1u);
}

TEST_F(LogStoreTest, AllDescriptorsComeBack)
{
    const auto count = [] {
        return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), std::filesystem::directory_iterator());
    };
    const auto before = count();
    for (int round = 0; round < 5; ++round) {
        auto stdio = start();
        auto reader = follow({source()}, {"web"});
        say(stdio.out, "x\n");
        settle();
        stdio = {};
        reader.reset();
        settle();
    }
    EXPECT_EQ(store->open_streams(), 0u);
    EXPECT_EQ(store->open_readers(), 0u);
    EXPECT_EQ(count(), before);
}

TEST_F(LogStoreTest, GoingWithOpenStreamsAndReadersIsClean)
{
    const auto stdio = start();
    const auto reader = follow({source()}, {"web"});
    say(stdio.out, "x\n");
    settle(1);
    store.reset();
    settle(3);
}

} // namespace
} // namespace pm::logs
