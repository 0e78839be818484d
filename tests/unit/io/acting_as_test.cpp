// SPDX-License-Identifier: Apache-2.0
// Taking on an app's rights over files, and giving them back, seen by what the kernel then allows.
#include "base/fd.hpp"
#include "io/acting_as.hpp"

#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

namespace pm::io {
namespace {

const model::Identity kNobody{65534, 65534, {65534, 4}, "nobody"};

class ActingAsTest : public testing::Test {
protected:
    void SetUp() override
    {
        if (::geteuid() != 0) GTEST_SKIP() << "only root can act as somebody else";
        std::string pattern = (std::filesystem::temp_directory_path() / "pm-io-XXXXXX").string();
        directory = ::mkdtemp(pattern.data());
        ::chmod(directory.c_str(), 0777);
    }
    void TearDown() override
    {
        if (!directory.empty()) std::filesystem::remove_all(directory);
    }
    int make(const std::string& name)
    {
        const base::Fd fd(::open((directory + "/" + name).c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
        return fd ? 0 : errno;
    }
    std::pair<uid_t, gid_t> owner(const std::string& name)
    {
        struct stat status {};
        EXPECT_EQ(::stat((directory + "/" + name).c_str(), &status), 0);
        return {status.st_uid, status.st_gid};
    }
    static std::vector<gid_t> groups()
    {
        std::vector<gid_t> list(256);
        list.resize(static_cast<std::size_t>(::getgroups(256, list.data())));
        return list;
    }
    std::string directory;
};

TEST_F(ActingAsTest, WhatIsMadeBelongsToTheUserAndRootIsBackAfterwards)
{
    const auto before = groups();
    {
        const ActingAs acting(&kNobody);
        ASSERT_EQ(acting.error(), 0);
        EXPECT_EQ(make("theirs"), 0);
        EXPECT_EQ(groups(), (std::vector<gid_t>{4, 65534}));
        EXPECT_EQ(::geteuid(), 0u);
    }
    EXPECT_EQ(make("ours"), 0);
    EXPECT_EQ(owner("theirs"), (std::pair<uid_t, gid_t>{65534, 65534}));
    EXPECT_EQ(owner("ours"), (std::pair<uid_t, gid_t>{0, ::getegid()}));
    EXPECT_EQ(groups(), before);
}

TEST_F(ActingAsTest, RootsOwnIsOutOfReachMeanwhile)
{
    ASSERT_EQ(::mkdir((directory + "/private").c_str(), 0700), 0);
    {
        const ActingAs acting(&kNobody);
        EXPECT_EQ(make("private/x"), EACCES);
    }
    EXPECT_EQ(make("private/x"), 0);
}

TEST_F(ActingAsTest, NobodyInParticularChangesNothing)
{
    const ActingAs acting(nullptr);
    EXPECT_EQ(acting.error(), 0);
    EXPECT_EQ(make("ours"), 0);
    EXPECT_EQ(owner("ours").first, 0u);
}

TEST_F(ActingAsTest, RightsThatCannotBeHadAreAnError)
{
    const model::Identity impossible{static_cast<uid_t>(-1), 65534, {}, "impossible"};
    {
        const ActingAs acting(&impossible);
        EXPECT_EQ(acting.error(), EPERM);
    }
    EXPECT_EQ(make("ours"), 0);
    EXPECT_EQ(owner("ours"), (std::pair<uid_t, gid_t>{0, ::getegid()}));
}

} // namespace
} // namespace pm::io
