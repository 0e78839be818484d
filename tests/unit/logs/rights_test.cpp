// SPDX-License-Identifier: Apache-2.0
// A pmd that is root writes the files an app file names with the rights of the app's user, who may have put links there.
#include "logs/history.hpp"
#include "logs/log_store.hpp"
#include "logs/sink.hpp"
#include "scratch.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

namespace pm::logs {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

model::SharedIdentity user(uid_t id, std::string name)
{
    return std::make_shared<const model::Identity>(model::Identity{id, id, {id}, std::move(name)});
}

/// "<owner>:<group> <mode>", or nothing when there is no such file.
std::string owner(const std::string& path)
{
    struct stat status {};
    if (stat(path.c_str(), &status) < 0) return {};
    std::ostringstream text;
    text << status.st_uid << ":" << status.st_gid << " " << std::oct << (status.st_mode & 07777);
    return text.str();
}

class Rights : public testing::Test {
protected:
    void SetUp() override
    {
        if (geteuid() != 0) GTEST_SKIP() << "only root writes as somebody else";
        chmod(scratch.path.c_str(), 0755);
        fs::create_directory(scratch / "home");
        ASSERT_EQ(chown((scratch / "home").c_str(), 65534, 65534), 0);
        fs::create_directory(scratch / "etc");
        chmod((scratch / "etc").c_str(), 0755);
    }
    void write(Sink& sink, std::string_view text)
    {
        const std::array<std::string_view, 1> blocks{text};
        sink.write(blocks, now);
    }
    Scratch scratch;
    std::vector<std::string> warnings;
    model::TimePoint now{1h};
    SinkPool pool{scratch / "state", [this](const std::string& text) { warnings.push_back(text); }};
    model::SharedIdentity nobody = user(65534, "nobody");
};

TEST_F(Rights, FileAndDirectoriesBelongToTheUserAlone)
{
    write(*pool.get({scratch / "home/logs/out.log", nobody}), "x\n");
    EXPECT_EQ(contents(scratch / "home/logs/out.log"), "x\n");
    EXPECT_EQ(owner(scratch / "home/logs/out.log"), "65534:65534 600");
    EXPECT_EQ(owner(scratch / "home/logs"), "65534:65534 755");
    write(*pool.get(scratch / "state/out.log"), "x\n");
    EXPECT_EQ(owner(scratch / "state/out.log"), "0:0 600");
    EXPECT_TRUE(warnings.empty());
}

TEST_F(Rights, NoLinkLeadsFurtherThanTheUserMayGo)
{
    put(scratch / "etc/passwd", "root\n");
    fs::create_symlink(scratch / "etc/passwd", scratch / "home/out.log");  // a file that is there
    fs::create_symlink(scratch / "etc/cron", scratch / "home/new.log");    // one that is not
    fs::create_directory_symlink(scratch / "etc", scratch / "home/logs");  // a directory to make things in
    for (const char* name : {"home/out.log", "home/new.log", "home/logs/deep/out.log"})
        write(*pool.get({scratch / name, nobody}), "evil\n");
    EXPECT_EQ(contents(scratch / "etc/passwd"), "root\n");
    EXPECT_EQ(owner(scratch / "etc/cron"), "");
    EXPECT_EQ(owner(scratch / "etc/deep"), "");
    ASSERT_EQ(warnings.size(), 3u);
    EXPECT_NE(warnings[0].find("opening '" + scratch.path + "/home/out.log' as user 'nobody': Permission denied"),
              std::string::npos)
        << warnings[0];
}

TEST_F(Rights, NorALinkThatComesAtRotation)
{
    put(scratch / "etc/passwd", "root\n");
    const auto sink = pool.get({scratch / "home/out.log", nobody});
    write(*sink, "1\n");
    fs::remove(scratch / "home/out.log");
    fs::create_symlink(scratch / "etc/passwd", scratch / "home/out.log");
    now += 1s;
    write(*sink, "evil\n");
    EXPECT_EQ(contents(scratch / "etc/passwd"), "root\n");
    fs::remove(scratch / "home/out.log");
    now += 1s;
    write(*sink, "2\n");
    EXPECT_EQ(contents(scratch / "home/out.log"), "2\n");
    EXPECT_EQ(owner(scratch / "home/out.log"), "65534:65534 600");
}

TEST_F(Rights, OnePathOfTwoUsersIsWrittenByWhomItBelongsTo)
{
    const auto theirs = pool.get({scratch / "home/out.log", nobody});
    const auto again = pool.get({scratch / "home/out.log", user(65534, "nobody")});
    const auto other = pool.get({scratch / "home/out.log", user(1, "daemon")});
    EXPECT_EQ(theirs, again);
    EXPECT_NE(theirs, other);
    write(*theirs, "mine\n");
    write(*other, "not yours\n");
    EXPECT_EQ(contents(scratch / "home/out.log"), "mine\n");
    ASSERT_EQ(warnings.size(), 1u);
    EXPECT_NE(warnings[0].find("as user 'daemon': Permission denied"), std::string::npos) << warnings[0];
    chmod((scratch / "home/out.log").c_str(), 0666);
    now += 1s;
    write(*other, "both\n");
    write(*theirs, "mine\n");
    EXPECT_EQ(contents(scratch / "home/out.log"), "mine\nboth\nmine\n");
}

TEST_F(Rights, HistoryIsReadOnlyWhereTheUserMayRead)
{
    put(scratch / "etc/shadow", "secret\n");
    chmod((scratch / "etc/shadow").c_str(), 0600);
    fs::create_symlink(scratch / "etc/shadow", scratch / "home/out.log");
    EXPECT_EQ(read_tail({scratch / "home/out.log", nobody}, 100, 10).text, "");
    EXPECT_EQ(read_tail(scratch / "home/out.log", 100, 10).text, "secret\n");
}

TEST_F(Rights, PathsOfTheSpecAreTheUsersAndOthersArePmds)
{
    model::AppSpec spec;
    spec.name = "web";
    spec.logs.out_file = "/x/out.log";
    spec.logs.log_file = "default";
    LogPaths paths = log_paths(spec, {0}, false, "/l", nobody);
    EXPECT_EQ(paths.out.user, nobody);
    EXPECT_EQ(paths.err.user, nullptr);
    EXPECT_EQ(paths.combined.user, nullptr);
    spec.logs.out_file = "/dev/stdout"; // pmd's own, in a container
    spec.logs.error_file = "/dev/shm/err.log";
    spec.logs.log_file = "/x/all.log";
    paths = log_paths(spec, {0}, false, "/l", nobody);
    EXPECT_EQ(paths.out.user, nullptr);
    EXPECT_EQ(paths.err.user, nobody);
    EXPECT_EQ(paths.combined.user, nobody);
}

TEST_F(Rights, StoreWritesWithTheRightsItWasGiven)
{
    io::EventLoop loop;
    LogStore store(loop, {.directory = scratch / "state"}, [this](const std::string& text) { warnings.push_back(text); });
    auto spec = std::make_shared<model::AppSpec>();
    spec->name = "web";
    spec->logs.out_file = scratch / "home/out.log";
    const auto stdio = store.open({{{0}, {1}}, {0}, spec, false}, nobody);
    ASSERT_TRUE(stdio);
    ASSERT_EQ(::write(stdio->out.get(), "o\n", 2), 2);
    ASSERT_EQ(::write(stdio->err.get(), "e\n", 2), 2);
    for (int turn = 0; turn < 10; ++turn) loop.run_once(0us);
    EXPECT_EQ(owner(scratch / "home/out.log"), "65534:65534 600");
    EXPECT_EQ(owner(scratch / "state/web-0-error.log"), "0:0 600");
}

} // namespace
} // namespace pm::logs
