// SPDX-License-Identifier: Apache-2.0
// What counts as a change of a file, by inotify and by looking again and again.
#include "watch/poller.hpp"
#include "watch/tree.hpp"

#include <algorithm>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <poll.h>
#include <set>
#include <unistd.h>

namespace pm::watch {
namespace {

namespace fs = std::filesystem;

class WatchTest : public testing::Test {
protected:
    void SetUp() override
    {
        char directory[] = "/tmp/pm-watch-test-XXXXXX";
        ASSERT_NE(::mkdtemp(directory), nullptr);
        root_ = directory;
        settings_.cwd = root_;
        settings_.paths = {"."};
    }
    void TearDown() override { fs::remove_all(root_); }

    void begin()
    {
        const auto filter = Filter::make(settings_);
        ASSERT_TRUE(filter) << filter.error().message;
        filter_ = *filter;
        tree_.emplace(*filter_, settings_, [this](const std::string& path) { changed_.insert(below(path)); }, [this](const std::string& text) { trouble_.insert(text); });
        tree_->build();
    }
    /// What has changed since the last time. inotify(7) has it in its queue when the system call that did it returns.
    std::set<std::string> changed()
    {
        tree_->read();
        return std::exchange(changed_, {});
    }
    std::string below(const std::string& path) const { return path.starts_with(root_ + "/") ? path.substr(root_.size() + 1) : path; }
    std::string path(const std::string& name) const { return root_ + "/" + name; }
    void write(const std::string& name, const std::string& text = "x") const { std::ofstream(path(name)) << text; }
    void make(const std::string& name) const { fs::create_directories(path(name)); }

    using Names = std::set<std::string>;
    std::string root_;
    Settings settings_;
    std::optional<Filter> filter_;
    std::optional<Tree> tree_;
    Names changed_, trouble_;
};

TEST_F(WatchTest, AFileHasChangedWhenItIsWrittenAndClosed)
{
    make("src/deep");
    write("src/deep/a.js");
    begin();
    EXPECT_EQ(tree_->directories(), 3U);
    EXPECT_EQ(changed(), Names{});
    std::ofstream stream(path("src/deep/a.js"));
    stream << "half" << std::flush;
    EXPECT_EQ(changed(), Names{});
    stream.close();
    EXPECT_EQ(changed(), Names{"src/deep/a.js"});
    std::ifstream(path("src/deep/a.js")).get();
    base::Fd(::open(path("src/deep/a.js").c_str(), O_RDWR)).reset();
    EXPECT_EQ(changed(), Names{}) << "it was only read, or opened";
    write("src/b.js");
    EXPECT_EQ(changed(), Names{"src/b.js"});
    fs::remove(path("src/b.js"));
    EXPECT_EQ(changed(), Names{"src/b.js"});
}

TEST_F(WatchTest, EditorsThatReplaceAFileAreSeen)
{
    write("a.js");
    begin();
    write(".a.js.swp");
    fs::rename(path(".a.js.swp"), path("a.js"));
    EXPECT_EQ(changed(), Names{"a.js"});
    fs::create_hard_link(path("a.js"), path("b.js"));
    EXPECT_EQ(changed(), Names{"b.js"});
}

TEST_F(WatchTest, DirectoriesThatComeAreWatchedAndThoseThatGoAreNot)
{
    begin();
    make("new/deep");
    EXPECT_EQ(changed(), Names{"new"});
    write("new/deep/a.js");
    EXPECT_EQ(changed(), Names{"new/deep/a.js"});
    fs::rename(path("new"), path("named"));
    EXPECT_EQ(changed(), (Names{"new", "named"}));
    write("named/deep/a.js");
    EXPECT_EQ(changed(), Names{"named/deep/a.js"});
    char other[] = "/tmp/pm-watch-other-XXXXXX";
    ASSERT_NE(::mkdtemp(other), nullptr);
    fs::rename(path("named"), std::string(other) + "/gone");
    EXPECT_EQ(changed(), Names{"named"});
    std::ofstream(std::string(other) + "/gone/deep/a.js") << "x";
    EXPECT_EQ(changed(), Names{});
    EXPECT_EQ(tree_->directories(), 1U);
    fs::remove_all(other);
}

TEST_F(WatchTest, WhatIsIgnoredIsNotEvenLookedAt)
{
    for (const char* directory : {"node_modules/x", ".git/objects", "logs/old", "src/tmp", "src/.cache"}) make(directory);
    settings_.ignore = {"logs", "**/*.tmp", "src/t?p"};
    settings_.own = {path("out.log"), path("app.pid")};
    begin();
    EXPECT_EQ(tree_->directories(), 2U);
    for (const char* name : {"node_modules/x/a.js", ".git/objects/a", ".env", "logs/old/a", "src/a.tmp", "src/tmp/a", "out.log", "out-3.log", "out.log.1", "out.log-2026", "app-0.pid", "src/.cache/a"}) write(name);
    EXPECT_EQ(changed(), Names{});
    for (const char* name : {"outlog", "src/a.js", "src/tmpx", "logs2"}) write(name);
    EXPECT_EQ(changed(), (Names{"outlog", "src/a.js", "src/tmpx", "logs2"}));
}

TEST_F(WatchTest, WhatIsNamedIsWatchedWhateverItIsCalled)
{
    make(".config/deep");
    make("src");
    settings_.paths = {".config", ".env", "src/**/*.{js,ts}"};
    begin();
    for (const char* name : {".config/a", ".config/deep/a", "src/a.js", "src/b.css", ".other"}) write(name);
    EXPECT_EQ(changed(), (Names{".config/a", ".config/deep/a", "src/a.js"}));
    write(".env");
    EXPECT_EQ(changed(), Names{".env"});
    write("src/a.js");
    EXPECT_EQ(changed(), Names{"src/a.js"});
    EXPECT_TRUE(trouble_.contains("'" + path(".env") + "' is not there; it is watched once it is")) << *trouble_.begin();
    fs::remove(path(".env"));
    EXPECT_EQ(changed(), Names{".env"});
}

TEST_F(WatchTest, SymbolicLinksAreFollowed)
{
    make("releases/1");
    make("releases/2");
    make("shared");
    write("releases/1/a.js");
    write("releases/2/a.js");
    write("shared/config.json");
    fs::create_symlink("releases/1", path("current"));
    fs::create_symlink("../../shared/config.json", path("releases/1/config.json"));
    fs::create_symlink("..", path("releases/1/loop"));
    settings_.paths = {"current/"};
    begin();
    write("releases/1/a.js");
    EXPECT_EQ(changed(), Names{"current/a.js"});
    write("shared/config.json");
    EXPECT_EQ(changed(), Names{"shared/config.json"});
    fs::create_symlink("releases/2", path("next"));
    fs::rename(path("next"), path("current")); // as deployments do
    EXPECT_EQ(changed(), Names{"current"});
    write("releases/2/a.js");
    EXPECT_EQ(changed(), Names{"current/a.js"});
}

TEST_F(WatchTest, LinksAndDepthAreLeftOutWhereThatIsWanted)
{
    make("a/b/c");
    char other[] = "/tmp/pm-watch-other-XXXXXX";
    ASSERT_NE(::mkdtemp(other), nullptr);
    fs::create_symlink(other, path("link"));
    settings_.follow_symlinks = false;
    settings_.depth = 1;
    begin();
    EXPECT_EQ(tree_->directories(), 2U);
    std::ofstream(std::string(other) + "/x") << "x";
    write("a/b/x");
    EXPECT_EQ(changed(), Names{});
    write("a/x");
    EXPECT_EQ(changed(), Names{"a/x"});
    fs::remove_all(other);
}

TEST_F(WatchTest, ADirectoryThatIsRemovedIsWatchedAgainWhenItIsBack)
{
    make("app/src");
    settings_.paths = {"app/src"};
    begin();
    fs::remove_all(path("app"));
    EXPECT_FALSE(changed().empty());
    make("app/src");
    EXPECT_FALSE(changed().empty());
    EXPECT_EQ(tree_->directories(), 1U);
    write("app/src/a.js");
    EXPECT_EQ(changed(), Names{"app/src/a.js"});
}

TEST_F(WatchTest, MoreThanTheKernelKeepsIsLookedAtAnew)
{
    std::ifstream limit("/proc/sys/fs/inotify/max_queued_events");
    unsigned most = 0;
    ASSERT_TRUE(limit >> most);
    if (most > 100'000) GTEST_SKIP() << "fs.inotify.max_queued_events is " << most;
    begin();
    make("late");
    base::Fd a(::open(path("a").c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600));
    base::Fd b(::open(path("b").c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600));
    for (unsigned i = 0; i < most; ++i) { // in turn: the same event twice is kept once
        ASSERT_EQ(::write(a.get(), "x", 1), 1);
        ASSERT_EQ(::write(b.get(), "x", 1), 1);
    }
    make("unseen/deep");
    EXPECT_FALSE(changed().empty());
    EXPECT_EQ(tree_->directories(), 4U);
    write("unseen/deep/a");
    EXPECT_EQ(changed(), Names{"unseen/deep/a"});
}

TEST_F(WatchTest, LookingAgainAndAgainFindsTheSame)
{
    make("src");
    make("node_modules");
    write("src/a.js");
    settings_.ignore = {"*.log"};
    const auto filter = Filter::make(settings_);
    ASSERT_TRUE(filter);
    Poller poller(*filter, settings_, [this](const std::string& path) { changed_.insert(below(path)); }, [](const std::string& text) { ADD_FAILURE() << text; });
    const auto look = [&] {
        poller.look();
        return std::exchange(changed_, {});
    };
    EXPECT_EQ(look(), Names{});
    EXPECT_EQ(look(), Names{});
    write("src/a.js", "longer");
    write("src/b.js");
    write("x.log");
    write("node_modules/x");
    EXPECT_EQ(look(), (Names{"src/a.js", "src/b.js"}));
    fs::remove(path("src/b.js"));
    EXPECT_EQ(look(), Names{"src/b.js"});
}

TEST(WatchSettings, ComeThroughWhateverBytesPathsHave)
{
    const Settings settings{.user = model::Identity{1000, 100, {4, 24}, ""},
                            .cwd = "/srv/caf\xc3\xa9",
                            .paths = {"a\xff\"b\n", "\xd1\x84"},
                            .ignore = {"**/*.tmp"},
                            .own = {"/x"},
                            .follow_symlinks = false,
                            .depth = 3,
                            .poll = std::chrono::milliseconds(500)};
    const std::string line = to_line(settings);
    EXPECT_EQ(std::ranges::count(line, '\n'), 1);
    const auto read = settings_from(line);
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(*read, settings);
    const auto report = report_from(to_line(Report{Report::Kind::Changed, "a\xff\n", 7}));
    ASSERT_TRUE(report);
    EXPECT_EQ(report->text, "a\xff\n");
    EXPECT_EQ(report->number, 7U);
    for (const char* bad : {"", "{}", "[1]", "{\"kind\":1}", "\xff"}) EXPECT_FALSE(report_from(bad)) << bad;
}

} // namespace
} // namespace pm::watch
