// SPDX-License-Identifier: Apache-2.0
// Sinks against real files, with a virtual clock: loss, recovery, rotation, the bound on open files.
#include "logs/history.hpp"
#include "logs/sink.hpp"
#include "scratch.hpp"
#include "tidy/orders.hpp"

#include <csignal>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

namespace pm::logs {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

class SinkTest : public testing::Test {
protected:
    void write(Sink& sink, std::string_view text, const SinkPlace& place = {})
    {
        const std::array<std::string_view, 1> blocks{text};
        sink.write(blocks, now, place);
    }
    Scratch scratch;
    std::vector<std::string> warnings;
    model::TimePoint now{1h};
    SinkPool pool{scratch / "private", [this](const std::string& text) { warnings.push_back(text); }, 3};
};

unsigned mode_of(const std::string& path)
{
    struct stat status {};
    return stat(path.c_str(), &status) < 0 ? 0 : status.st_mode & 07777;
}

TEST_F(SinkTest, MakesFileAndDirectoriesAtTheFirstLine)
{
    const auto sink = pool.get(scratch / "private/a/x.log");
    EXPECT_FALSE(fs::exists(scratch / "private"));
    EXPECT_EQ(pool.open_count(), 0u);
    write(*sink, "one\n");
    write(*sink, "two\n");
    EXPECT_EQ(contents(scratch / "private/a/x.log"), "one\ntwo\n");
    EXPECT_EQ(mode_of(scratch / "private/a/x.log"), 0600u);
    EXPECT_EQ(mode_of(scratch / "private"), 0700u);
    EXPECT_EQ(mode_of(scratch / "private/a"), 0700u);
    EXPECT_TRUE(warnings.empty());
}

TEST_F(SinkTest, AppendsToWhatIsThereAndFollowsLinks)
{
    put(scratch / "real.log", "old\n");
    fs::create_symlink(scratch / "real.log", scratch / "link.log");
    write(*pool.get(scratch / "link.log"), "new\n");
    EXPECT_EQ(contents(scratch / "real.log"), "old\nnew\n");
}

TEST_F(SinkTest, OnePathIsOneSinkAndClosesWithItsLastUser)
{
    auto one = pool.get(scratch / "x.log");
    auto two = pool.get(scratch / "x.log");
    EXPECT_EQ(one, two);
    write(*one, "a\n");
    one.reset();
    EXPECT_EQ(pool.open_count(), 1u);
    two.reset();
    EXPECT_EQ(pool.open_count(), 0u);
    EXPECT_EQ(pool.get({}), nullptr);
}

TEST_F(SinkTest, LeastRecentlyUsedClosesWhenTooManyAreOpen)
{
    std::vector<std::shared_ptr<Sink>> sinks;
    for (int round = 0; round < 3; ++round)
        for (int i = 0; i < 10; ++i) {
            if (round == 0) sinks.push_back(pool.get(scratch / std::to_string(i)));
            write(*sinks[static_cast<std::size_t>(i)], std::to_string(round) + "\n");
            EXPECT_LE(pool.open_count(), 3u);
        }
    for (int i = 0; i < 10; ++i) EXPECT_EQ(contents(scratch / std::to_string(i)), "0\n1\n2\n");
}

TEST_F(SinkTest, RotationByRenameIsNoticedWithinASecond)
{
    const auto sink = pool.get(scratch / "x.log");
    write(*sink, "1\n");
    fs::rename(scratch / "x.log", scratch / "x.log.1");
    now += 999ms;
    write(*sink, "2\n");
    now += 1ms;
    write(*sink, "3\n");
    EXPECT_EQ(contents(scratch / "x.log.1"), "1\n2\n");
    EXPECT_EQ(contents(scratch / "x.log"), "3\n");
    EXPECT_TRUE(warnings.empty());
}

TEST_F(SinkTest, RemovedDirectoryIsMadeAgain)
{
    const auto sink = pool.get(scratch / "private/d/x.log");
    write(*sink, "1\n");
    fs::remove_all(scratch / "private");
    now += 1s;
    write(*sink, "2\n");
    EXPECT_EQ(contents(scratch / "private/d/x.log"), "2\n");
    EXPECT_TRUE(warnings.empty());
}

TEST_F(SinkTest, FailureWarnsOnceCountsAndRecovers)
{
    put(scratch / "d", "a file where a directory should be");
    const auto sink = pool.get(scratch / "d/x.log");
    write(*sink, "1\n2\n");
    ASSERT_EQ(warnings.size(), 1u);
    EXPECT_NE(warnings[0].find("opening '" + scratch.path + "/d/x.log': Not a directory"), std::string::npos);
    fs::remove(scratch / "d");
    write(*sink, "3\n"); // too soon to try again
    EXPECT_EQ(warnings.size(), 1u);
    EXPECT_FALSE(fs::exists(scratch / "d/x.log"));
    now += 1s;
    write(*sink, "4\n");
    EXPECT_EQ(contents(scratch / "d/x.log"), "4\n");
    ASSERT_EQ(warnings.size(), 2u);
    EXPECT_NE(warnings[1].find("works again; 3 lines were lost"), std::string::npos) << warnings[1];
}

TEST_F(SinkTest, RetryThatFailsIsNotReportedAgain)
{
    put(scratch / "d", "");
    const auto sink = pool.get(scratch / "d/x.log");
    for (int i = 0; i < 5; ++i, now += 1s) write(*sink, "x\n");
    EXPECT_EQ(warnings.size(), 1u);
}

TEST_F(SinkTest, FullDeviceLosesLines)
{
    if (access("/dev/full", W_OK) != 0) GTEST_SKIP() << "/dev/full: not writable here";
    fs::create_symlink("/dev/full", scratch / "full");
    write(*pool.get(scratch / "full"), "x\n");
    ASSERT_EQ(warnings.size(), 1u);
    EXPECT_NE(warnings[0].find("No space left on device"), std::string::npos);
}

TEST_F(SinkTest, FullDiskTearsNoLineAndComesBack)
{
    const std::string disk = scratch / "disk";
    fs::create_directory(disk);
    if (mount("none", disk.c_str(), "tmpfs", 0, "size=64k") < 0) GTEST_SKIP() << "may not mount a tmpfs here";
    {
        const auto sink = pool.get(disk + "/x.log");
        put(disk + "/ballast", std::string(16 << 10, 'b'));
        std::string line(9'999, 'x');
        line += '\n';
        for (int i = 0; i < 8; ++i) write(*sink, line); // 48 KiB are free
        fs::remove(disk + "/ballast");
        now += 1s;
        write(*sink, "back\n");
        std::istringstream text(contents(disk + "/x.log"));
        std::string last, got;
        std::size_t whole = 0, torn = 0;
        while (std::getline(text, got)) {
            if (got.size() + 1 == line.size()) ++whole;
            else if (got != "back") ++torn;
            last = got;
        }
        EXPECT_EQ(last, "back"); // on a line of its own
        EXPECT_EQ(whole, 4u);
        EXPECT_EQ(torn, 1u);     // what fitted of the fifth
        ASSERT_EQ(warnings.size(), 2u);
        EXPECT_NE(warnings[0].find("No space left on device"), std::string::npos) << warnings[0];
        EXPECT_NE(warnings[1].find("4 lines were lost"), std::string::npos) << warnings[1];
    }
    EXPECT_EQ(umount(disk.c_str()), 0);
}

TEST_F(SinkTest, FileSizeLimitIsAnErrorNotTheEnd)
{
    std::signal(SIGXFSZ, SIG_IGN); // as LogStore does
    rlimit before{};
    ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
    const rlimit small{4096, before.rlim_max};
    const auto sink = pool.get(scratch / "x.log");
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
    write(*sink, std::string(5000, 'x') + "\n");
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
    ASSERT_EQ(warnings.size(), 1u);
    EXPECT_NE(warnings[0].find("File too large"), std::string::npos) << warnings[0];
    now += 1s;
    write(*sink, "back\n");
    EXPECT_EQ(contents(scratch / "x.log"), std::string(4096, 'x') + "\nback\n");
}

TEST_F(SinkTest, FifoWithoutReaderAndDirectoryAreRefusedAtOnce)
{
    ASSERT_EQ(mkfifo((scratch / "fifo").c_str(), 0600), 0);
    write(*pool.get(scratch / "fifo"), "x\n");
    write(*pool.get(scratch.path), "x\n");
    EXPECT_EQ(warnings.size(), 2u);
    const base::Fd end(open((scratch / "fifo").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    write(*pool.get(scratch / "fifo"), "read\n");
    char text[16];
    EXPECT_EQ(read(end.get(), text, sizeof text), 5);
}

TEST_F(SinkTest, ManyBlocksAreWrittenWholeAndInOrder)
{
    std::vector<std::string> lines;
    std::string all;
    for (int i = 0; i < 3000; ++i) all += lines.emplace_back(std::to_string(i) + "\n");
    const std::vector<std::string_view> blocks(lines.begin(), lines.end());
    pool.get(scratch / "x.log")->write(blocks, now);
    EXPECT_EQ(contents(scratch / "x.log"), all);
}

constexpr SinkPlace kFirst{.writer = 1};
constexpr SinkPlace kRestOfFirst{.writer = 1, .continues = true, .resumed = "again: "};

TEST_F(SinkTest, PiecesOfALineStandInOneLine)
{
    const auto sink = pool.get(scratch / "x.log");
    write(*sink, "Name: ", kFirst);
    EXPECT_TRUE(sink->is_within_line_of(1));
    now += 2s; // it looks whether the file was moved
    write(*sink, "Ada\n", kRestOfFirst);
    EXPECT_FALSE(sink->is_within_line_of(1));
    EXPECT_EQ(contents(scratch / "x.log"), "Name: Ada\n");
}

TEST_F(SinkTest, WhoComesIntoALineBeginsOneOfHisOwn)
{
    const auto sink = pool.get(scratch / "x.log");
    write(*sink, "Name: ", {.writer = 1, .parted = " ...\n"});
    write(*sink, "other\n", {.writer = 2});
    write(*sink, "Ada", kRestOfFirst);
    write(*sink, "new\n", kFirst);
    EXPECT_EQ(contents(scratch / "x.log"), "Name:  ...\nother\nagain: Ada\nnew\n");
}

TEST_F(SinkTest, TheRestOfALineGoesToTheNewFileAfterARotation)
{
    const auto sink = pool.get(scratch / "x.log");
    write(*sink, "Name: ", kFirst);
    fs::rename(scratch / "x.log", scratch / "x.log.1");
    now += 2s;
    write(*sink, "Ada\n", kRestOfFirst);
    EXPECT_EQ(contents(scratch / "x.log.1"), "Name: ");
    EXPECT_EQ(contents(scratch / "x.log"), "again: Ada\n");
}

TEST_F(SinkTest, ALineThatAnEarlierPmdBeganIsEndedOrGoesOn)
{
    for (const char* name : {"new.log", "resumed.log", "known.log"}) put(scratch / name, "Name: ");
    write(*pool.get(scratch / "new.log"), "a new process\n", kFirst);
    EXPECT_EQ(contents(scratch / "new.log"), "Name: \na new process\n");
    write(*pool.get(scratch / "resumed.log"), "Ada\n", {.writer = 1, .may_continue = true});
    EXPECT_EQ(contents(scratch / "resumed.log"), "Name: Ada\n");
    const auto known = pool.get(scratch / "known.log");
    known->go_on_for(1, "\n");
    write(*known, "Ada\n", kRestOfFirst);
    EXPECT_EQ(contents(scratch / "known.log"), "Name: Ada\n");
    const auto ended = pool.get(scratch / "known.log");
    ended->go_on_for(1, "\n"); // which is not so: somebody has ended the line
    write(*pool.get(scratch / "known.log"), "x\n", {.writer = 2});
    EXPECT_EQ(contents(scratch / "known.log"), "Name: Ada\n\nx\n");
}

TEST(History, Table)
{
    const Scratch scratch;
    struct Row {
        std::string text;
        std::uint32_t lines;
        std::string expected;
        bool is_cut = false;
    };
    const std::string mega(2u << 20, 'm');
    const std::vector<Row> rows = {
        {"", 3, ""},
        {"a\nb\nc\n", 0, ""},
        {"a\nb\nc\n", 2, "b\nc\n"},
        {"a\nb\nc\n", 3, "a\nb\nc\n"},
        {"a\nb\nc\n", 9, "a\nb\nc\n"},
        {"a\nb\nc", 2, "b\nc"},
        {"\n\n\n", 2, "\n\n"},
        {"a\n" + std::string(100'000, 'x') + "\nz\n", 2, std::string(100'000, 'x') + "\nz\n"},
        {mega + "\nx\ny\n", 2, "x\ny\n"},
        {mega + "\nx\ny\n", 5, "x\ny\n"}, // a line of over 1 MiB is not shown cut ...
        {mega + "\n", 5, std::string((1u << 20) - 1, 'm') + "\n", true}, // ... unless it is the only one
        {"a\n" + mega, 5, std::string(1u << 20, 'm'), true},
    };
    for (std::size_t i = 0; i < rows.size(); ++i) {
        put(scratch / "f", rows[i].text);
        const FileTail tail = read_tail(scratch / "f", static_cast<off_t>(rows[i].text.size()), rows[i].lines);
        EXPECT_EQ(tail.text, rows[i].expected) << "row " << i;
        EXPECT_EQ(tail.is_cut, rows[i].is_cut) << "row " << i;
    }
}

TEST(History, StopsAtTheEndThatWasNoted)
{
    const Scratch scratch;
    put(scratch / "f", "a\nb\n");
    const auto end = file_end(scratch / "f");
    ASSERT_TRUE(end);
    put(scratch / "f", "a\nb\nc\n");
    EXPECT_EQ(read_tail(scratch / "f", end->size, 10).text, "a\nb\n");
    EXPECT_EQ(read_tail(scratch / "none", 10, 10).text, "");
    EXPECT_FALSE(file_end(scratch / "none"));
    EXPECT_FALSE(file_end(LogPath("/dev/null")));
}

/// The files that were put aside of one, oldest first, with what is in them.
std::vector<std::string> put_aside(const std::string& path)
{
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(fs::path(path).parent_path()))
        if (tidy::is_aside(fs::path(path).filename().string(), entry.path().filename().string())) files.push_back(entry.path());
    std::ranges::sort(files);
    std::vector<std::string> texts;
    for (const fs::path& file : files) texts.push_back(contents(file.string()));
    return texts;
}

TEST_F(SinkTest, AFileIsPutAsideBeforeItGrowsBeyondItsSize)
{
    const std::string path = scratch / "out.log";
    std::vector<std::string> heard;
    pool.set_put_aside([&](const LogPath& of, const model::RotateSpec& rotation) { heard.push_back(of.path + " " + std::to_string(rotation.keep)); });
    const auto sink = pool.get(path);
    sink->set_rotation({.size = 10, .keep = 3});
    for (const char* line : {"one\n", "two\n", "three\n", "a long line\n", "end\n"}) write(*sink, line);
    EXPECT_EQ(put_aside(path), (std::vector<std::string>{"one\ntwo\n", "three\n", "a long line\n"}));
    EXPECT_EQ(contents(path), "end\n");
    EXPECT_EQ(heard, std::vector<std::string>(3, path + " 3"));
    EXPECT_TRUE(warnings.empty());
}

TEST_F(SinkTest, WhatComesTogetherIsDividedAtItsLines)
{
    const std::string path = scratch / "out.log";
    const auto sink = pool.get(path);
    sink->set_rotation({.size = 8});
    const std::array<std::string_view, 4> blocks{"a\nbb\nc", "cc\ndddddddddd\nee", "\n", "f\ngg\n"};
    sink->write(blocks, now);
    EXPECT_EQ(put_aside(path), (std::vector<std::string>{"a\nbb\n", "ccc\n", "dddddddddd\n"}));
    EXPECT_EQ(contents(path), "ee\nf\ngg\n");
}

TEST_F(SinkTest, ALineIsNotTornUnlessItHasNoEnd)
{
    const std::string path = scratch / "out.log";
    const auto sink = pool.get(path);
    sink->set_rotation({.size = 10});
    write(*sink, "0123456789", {.writer = 1});
    write(*sink, "01234", {.writer = 1, .continues = true});
    EXPECT_EQ(contents(path), "012345678901234");
    write(*sink, "56789", {.writer = 1, .continues = true});
    write(*sink, "on", {.writer = 1, .continues = true});
    EXPECT_EQ(put_aside(path), std::vector<std::string>{"01234567890123456789"});
    EXPECT_EQ(contents(path), "on");
}

TEST_F(SinkTest, WhatCannotBePutAsideGrowsOn)
{
    const std::string path = scratch / std::string(240, 'x'); // what is put behind it makes the name too long
    const auto sink = pool.get(path);
    sink->set_rotation({.size = 5});
    for (const char* line : {"one\n", "two\n", "three\n"}) write(*sink, line);
    now += 2s;
    write(*sink, "four\n");
    EXPECT_EQ(contents(path), "one\ntwo\nthree\nfour\n");
    ASSERT_EQ(warnings.size(), 1U);
    EXPECT_NE(warnings[0].find("File name too long; it grows until that works again"), std::string::npos) << warnings[0];
}

TEST_F(SinkTest, IsEmptiedAndPutAsideWhenSomebodyAsks)
{
    const std::string path = scratch / "out.log";
    const auto sink = pool.get(path);
    EXPECT_TRUE(sink->rotate(now));
    EXPECT_TRUE(put_aside(path).empty()) << "there was nothing in it";
    write(*sink, "one\n");
    EXPECT_TRUE(sink->rotate(now));
    write(*sink, "two\n");
    EXPECT_TRUE(sink->empty());
    EXPECT_EQ(contents(path), "");
    write(*sink, "three\n");
    EXPECT_EQ(contents(path), "three\n");
    EXPECT_EQ(put_aside(path), std::vector<std::string>{"one\n"});
}

} // namespace
} // namespace pm::logs
