// SPDX-License-Identifier: Apache-2.0
#include "launch/direct/launch_journal.hpp"

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <stdexcept>
#include <stdlib.h>
#include <sys/stat.h>

namespace pm::launch {
namespace {

using Entry = LaunchJournal::Entry;
const Entry kFirst{101, 7001, "../pmd-5-9.apps/web-0.1.1"};
const Entry kSecond{102, 7002, ""};

std::string made_directory()
{
    std::string pattern = (std::filesystem::temp_directory_path() / "pm-journal-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp");
    return pattern;
}

class LaunchJournalTest : public ::testing::Test {
protected:
    ~LaunchJournalTest() override { std::filesystem::remove_all(dir_); }

    const std::string dir_ = made_directory();
    const std::string path_ = dir_ + "/launched";
    LaunchJournal journal_{path_};
};

TEST_F(LaunchJournalTest, WhatIsNotedIsThereForTheNext)
{
    EXPECT_TRUE(journal_.read().empty());
    EXPECT_EQ(journal_.note(kFirst), 0);
    EXPECT_EQ(journal_.note(kSecond), 0);
    LaunchJournal next(path_);
    EXPECT_EQ(next.read(), (std::vector{kFirst, kSecond}));
    EXPECT_EQ(next.note(kSecond), 0);
    EXPECT_EQ(next.read().size(), 3U);
    struct stat status {};
    ASSERT_EQ(stat(path_.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777U, 0600U);
}

TEST_F(LaunchJournalTest, KeptIsWhatItIsTold)
{
    EXPECT_EQ(journal_.note(kFirst), 0);
    EXPECT_TRUE(journal_.keep({kSecond}).has_value());
    EXPECT_EQ(journal_.note(kFirst), 0);
    EXPECT_EQ(journal_.read(), (std::vector{kSecond, kFirst}));
    journal_.clear();
    EXPECT_TRUE(journal_.read().empty());
}

TEST_F(LaunchJournalTest, ALineThatWasCutShortSpoilsNoOther)
{
    EXPECT_EQ(journal_.note(kFirst), 0);
    std::ofstream(path_, std::ios::app) << "\n103 70";
    EXPECT_EQ(journal_.note(kSecond), 0);
    std::ofstream(path_, std::ios::app) << "\n104 7004 ../pmd-5-9.apps/we";
    EXPECT_EQ(journal_.read(), (std::vector{kFirst, kSecond}));
}

TEST_F(LaunchJournalTest, ItIsLongInTimeAndNotAgainAtOnce)
{
    std::vector<Entry> many;
    while (!journal_.is_long()) {
        many.push_back(kFirst);
        ASSERT_EQ(journal_.note(kFirst), 0);
        ASSERT_LT(many.size(), 100'000U);
    }
    EXPECT_GT(many.size(), 1000U);
    EXPECT_TRUE(journal_.keep(many).has_value());
    EXPECT_EQ(journal_.note(kFirst), 0);
    EXPECT_FALSE(journal_.is_long());
}

TEST_F(LaunchJournalTest, WithoutAPathNothingIsKeptAndWithoutADirectoryItIsTold)
{
    LaunchJournal none{std::string()};
    EXPECT_EQ(none.note(kFirst), 0);
    EXPECT_TRUE(none.read().empty());
    EXPECT_TRUE(none.keep({}).has_value());
    LaunchJournal nowhere(dir_ + "/not/there");
    EXPECT_EQ(nowhere.note(kFirst), ENOENT);
    EXPECT_FALSE(nowhere.keep({kFirst}).has_value());
}

} // namespace
} // namespace pm::launch
