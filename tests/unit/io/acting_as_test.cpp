// SPDX-License-Identifier: Apache-2.0
// Taking on an app's rights over files, and giving them back, seen by what the kernel then allows.
#include "base/fd.hpp"
#include "io/acting_as.hpp"
#include "io/capabilities.hpp"

#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <optional>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
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
        EXPECT_EQ(::geteuid(), 65534u);
        EXPECT_EQ(::getuid(), 0u) << "the user could signal pmd";
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

TEST_F(ActingAsTest, NoCapabilityIsEffectiveMeanwhile)
{
    const auto before = own_capabilities();
    ASSERT_TRUE(before);
    {
        const ActingAs acting(&kNobody);
        EXPECT_EQ(own_capabilities()->effective, 0u);
    }
    EXPECT_EQ(own_capabilities()->effective, before->effective);
    {
        const ActingAs acting(&kNobody, CAP_NET_BIND_SERVICE);
        EXPECT_EQ(own_capabilities()->effective, std::uint64_t{1} << CAP_NET_BIND_SERVICE);
    }
    EXPECT_EQ(own_capabilities()->effective, before->effective);
}

/// Root's own directory is open, as pmd has such ones; a user is to get to it neither by that nor by other ways of /proc.
class ActingAsInProcfs : public ActingAsTest {
protected:
    void SetUp() override
    {
        ActingAsTest::SetUp();
        if (directory.empty()) return;
        // All may write to it who get there, which only root does.
        ASSERT_EQ(::mkdir((directory + "/private").c_str(), 0700), 0);
        ASSERT_EQ(::mkdir((directory + "/private/open").c_str(), 0777), 0);
        ASSERT_EQ(::chmod((directory + "/private/open").c_str(), 0777), 0);
        kept = base::Fd(::open((directory + "/private/open").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
        ASSERT_TRUE(kept);
        by_link = "/proc/self/fd/" + std::to_string(kept.get());
        ASSERT_EQ(::symlink(by_link.c_str(), (directory + "/link").c_str()), 0);
    }
    sockaddr_un address_of(const std::string& path)
    {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        EXPECT_LT(path.size(), sizeof address.sun_path);
        path.copy(address.sun_path, sizeof address.sun_path - 1);
        return address;
    }
    int bind_at(const ActingAs& acting, const base::Fd& socket, const std::string& path)
    {
        const sockaddr_un address = address_of(path);
        return acting.bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
    }
    base::Fd kept;
    std::string by_link;
};

TEST_F(ActingAsInProcfs, LinksToWhatPmdHasOpenAreNotFollowed)
{
    std::optional<ActingAs> acting_while;
    const ActingAs& acting = acting_while.emplace(&kNobody);
    struct stat status {};
    for (const std::string& way : {by_link, directory + "/link"}) {
        EXPECT_FALSE(acting.open(way + "/made", O_WRONLY | O_CREAT, 0600));
        EXPECT_EQ(errno, ELOOP) << way;
        EXPECT_EQ(acting.status(way + "/made", status), ELOOP) << way;
        EXPECT_EQ(acting.make_directory(way + "/made", 0700), ELOOP) << way;
        EXPECT_EQ(acting.remove(way + "/made"), ELOOP) << way;
        EXPECT_EQ(acting.rename(way + "/made", way + "/moved"), ELOOP) << way;
        const base::Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        EXPECT_EQ(bind_at(acting, socket, way + "/made"), ELOOP) << way;
    }
    acting_while.reset();
    EXPECT_TRUE(std::filesystem::is_empty(directory + "/private/open"));
}

TEST_F(ActingAsInProcfs, NothingInAProcfsIsOpened)
{
    const ActingAs acting(&kNobody);
    for (const char* path : {"/proc/self/maps", "/proc/thread-self/status", "/proc/uptime", "/proc/self"}) {
        EXPECT_FALSE(acting.open(path, O_RDONLY)) << path;
        EXPECT_EQ(errno, ELOOP) << path;
    }
    EXPECT_FALSE(acting.open("/proc/self/environ", O_RDONLY));
    EXPECT_FALSE(acting.open("/proc/1/environ", O_RDONLY));
}

TEST_F(ActingAsInProcfs, WhoConnectsSeesTheUserAndNotPmd)
{
    const ActingAs acting(&kNobody);
    const base::Fd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(bind_at(acting, listener, directory + "/socket"), 0);
    ASSERT_EQ(::listen(listener.get(), 1), 0);
    EXPECT_EQ(owner("socket"), (std::pair<uid_t, gid_t>{65534, 65534}));
    const base::Fd client(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_un address = address_of(directory + "/socket");
    ASSERT_EQ(acting.connect(client.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    ucred peer{};
    socklen_t size = sizeof peer;
    ASSERT_EQ(::getsockopt(client.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size), 0);
    EXPECT_EQ(peer.uid, 65534u);
    const base::Fd taken(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    ASSERT_EQ(::getsockopt(taken.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size), 0);
    EXPECT_EQ(peer.uid, 65534u);
}

TEST_F(ActingAsInProcfs, ASocketIsBoundWhereTheUserMayAndNowhereElse)
{
    {
        const ActingAs acting(&kNobody);
        const base::Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        EXPECT_EQ(bind_at(acting, socket, directory + "/private/open/socket"), EACCES);
        EXPECT_EQ(bind_at(acting, socket, directory + "/nowhere/socket"), ENOENT);
    }
    const ActingAs acting(nullptr);
    const base::Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(bind_at(acting, socket, directory + "/private/open/socket"), 0);
}

TEST_F(ActingAsTest, ACapabilityIsRaisedForALittleWhile)
{
    const auto bit = std::uint64_t{1} << CAP_SYS_PTRACE;
    const auto before = own_capabilities();
    if ((before->permitted & bit) == 0) GTEST_SKIP() << "CAP_SYS_PTRACE is not permitted here";
    ASSERT_EQ(lower_capability(CAP_SYS_PTRACE), 0);
    EXPECT_EQ(own_capabilities()->effective & bit, 0u);
    {
        const PtraceAccess access;
        EXPECT_NE(own_capabilities()->effective & bit, 0u);
    }
    EXPECT_EQ(own_capabilities()->effective & bit, 0u);
    {
        const ActingAs acting(&kNobody);
    }
    EXPECT_EQ(own_capabilities()->effective & bit, 0u) << "going back to root raised it";
    ASSERT_EQ(set_effective(before->effective), 0);
}

} // namespace
} // namespace pm::io
