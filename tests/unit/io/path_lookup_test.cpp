// SPDX-License-Identifier: Apache-2.0
// Where a path ends, compared with where the kernel says that it ends.
#include "io/path_lookup.hpp"

#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

namespace pm::io {
namespace {

namespace fs = std::filesystem;

class PathLookupTest : public testing::Test {
protected:
    void SetUp() override
    {
        std::string pattern = (fs::temp_directory_path() / "pm-lookup-XXXXXX").string();
        top = ::mkdtemp(pattern.data());
        fs::create_directories(top + "/a/b/c");
        make("a/b/c/file");
        fs::create_symlink("b/c", top + "/a/relative");
        fs::create_symlink(top + "/a/b", top + "/absolute");
        fs::create_symlink("relative/file", top + "/a/to-file");
        fs::create_symlink("../absolute/../b/c/../c/file", top + "/a/winding");
        fs::create_symlink("b/c/missing", top + "/a/dangling");
        fs::create_symlink("loop", top + "/loop");
        fs::create_symlink("/proc/self/cwd", top + "/magic");
        fs::create_symlink("/proc", top + "/procfs");
    }
    void TearDown() override { fs::remove_all(top); }
    void make(const std::string& name) { base::Fd(::open((top + "/" + name).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600)); }
    static std::pair<dev_t, ino_t> id(int directory, const std::string& name, int flags)
    {
        struct stat status {};
        return ::fstatat(directory, name.c_str(), &status, flags) < 0 ? std::pair<dev_t, ino_t>{} : std::pair{status.st_dev, status.st_ino};
    }
    std::string top;
};

TEST_F(PathLookupTest, EndsWhereTheKernelEnds)
{
    for (const std::string path : {"/a/b/c/file", "/a//b/./c/../c/file", "/a/relative/file", "/absolute/c/file", "/a/to-file", "/a/winding",
                                    "/a/b/..", "/a/b/", "/absolute", "/absolute/", "/a/relative/.."}) {
        const PathEnd followed = look_up(top + path, LastLink::Followed);
        ASSERT_EQ(followed.error, 0) << path;
        EXPECT_EQ(id(followed.directory.get(), followed.name, AT_SYMLINK_NOFOLLOW), id(AT_FDCWD, top + path, 0)) << path;
        const PathEnd not_followed = look_up(top + path, LastLink::NotFollowed);
        ASSERT_EQ(not_followed.error, 0) << path;
        EXPECT_EQ(id(not_followed.directory.get(), not_followed.name, AT_SYMLINK_NOFOLLOW), id(AT_FDCWD, top + path, AT_SYMLINK_NOFOLLOW)) << path;
    }
    EXPECT_EQ(look_up("/", LastLink::Followed).name, ".");
}

TEST_F(PathLookupTest, TheLastNameMayBeMissingAndNoOther)
{
    const PathEnd end = look_up(top + "/a/dangling", LastLink::Followed);
    ASSERT_EQ(end.error, 0);
    EXPECT_EQ(end.name, "missing");
    EXPECT_EQ(id(end.directory.get(), ".", 0), id(AT_FDCWD, top + "/a/b/c", 0));
    EXPECT_EQ(look_up(top + "/missing/file", LastLink::Followed).error, ENOENT);
    EXPECT_EQ(look_up(top + "/a/b/c/file/x", LastLink::Followed).error, ENOTDIR);
    EXPECT_EQ(look_up("", LastLink::Followed).error, ENOENT);
    EXPECT_EQ(look_up(top + "/" + std::string(300, 'x'), LastLink::Followed).error, ENAMETOOLONG);
}

TEST_F(PathLookupTest, NeitherLoopsNorMagicLinksNorAProcfsAreEntered)
{
    for (const std::string& path : {top + "/loop", top + "/loop/x", top + "/magic/x", top + "/procfs/uptime", std::string("/proc/self/root/etc"),
                                    std::string("/proc/uptime"), std::string("/proc/.."), std::string("/proc/")})
        EXPECT_EQ(look_up(path, LastLink::Followed).error, ELOOP) << path;
    EXPECT_EQ(look_up(top + "/magic", LastLink::NotFollowed).error, 0) << "the link itself may be removed";
}

TEST_F(PathLookupTest, ARootIsNotLeft)
{
    const base::Fd root(::open((top + "/a").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    fs::create_symlink("/b/c/file", top + "/a/inside");
    fs::create_symlink("../../../..", top + "/a/b/up");
    for (const auto& [path, real] : {std::pair{"/b/c/file", "/a/b/c/file"}, {"/../../b/c/file", "/a/b/c/file"}, {"inside", "/a/b/c/file"},
                                     {"/b/up/relative", "/a/b/c"}}) {
        const PathEnd end = look_up(path, LastLink::Followed, root.get());
        ASSERT_EQ(end.error, 0) << path;
        EXPECT_EQ(id(end.directory.get(), end.name, AT_SYMLINK_NOFOLLOW), id(AT_FDCWD, top + real, 0)) << path;
    }
}

} // namespace
} // namespace pm::io
