// SPDX-License-Identifier: Apache-2.0
// What a pmd that is root opens for an ordinary user's app is what that user could open.
#include "sockets_world.hpp"

namespace pm::channel::test {
namespace {

constexpr uid_t kNobody = 65534;

class Rights : public SocketsWorld {
protected:
    void SetUp() override
    {
        if (::geteuid() != 0) GTEST_SKIP() << "only root acts for others";
    }
    void open_directory() const { ::chmod(directory.c_str(), 0777); }
};

TEST_F(Rights, PortsBelowTheFirstFreeOneAreForRoot)
{
    ListenAddress low = loopback();
    low.port = 1;
    EXPECT_EQ(fault(app({low}), kNobody), "app 'web': listening on 127.0.0.1:1: port 1 is for apps of root: ports below 1024 are "
                                          "(net.ipv4.ip_unprivileged_port_start)");
    EXPECT_EQ(fault(app({low}), 0), "");
    held->keep_only("web", {});
    EXPECT_EQ(fault(app({loopback()}), kNobody), "");
}

TEST_F(Rights, AFileIsMadeWhereTheOwnerMay)
{
    EXPECT_NE(fault(app({path("s")}), kNobody).find("the app's owner may not make a file there"), std::string::npos);
    open_directory();
    EXPECT_EQ(fault(app({path("s")}), kNobody), "");
    EXPECT_EQ(look(path("s")).st_uid, kNobody);
    EXPECT_EQ(look(path("s")).st_gid, kNobody);
    held->keep_only("web", {});
    EXPECT_FALSE(std::filesystem::exists(directory + "/s"));
}

TEST_F(Rights, ALinkLeadsNowhereThatTheOwnerMayNotGo)
{
    open_directory();
    const std::string closed = directory + "/closed";
    std::filesystem::create_directory(closed);
    std::filesystem::create_directory_symlink(closed, directory + "/link");
    EXPECT_NE(fault(app({path("link/s")}), kNobody), "");
    EXPECT_TRUE(std::filesystem::is_empty(closed));
    EXPECT_EQ(fault(app({path("link/s")}), 0), "");
}

TEST_F(Rights, AFileIsGivenToNobodyElseByAnOrdinaryUser)
{
    open_directory();
    ListenAddress s = path("s");
    s.group = "daemon";
    EXPECT_NE(fault(app({s}), kNobody).find("may not give the file to that user or group"), std::string::npos);
    EXPECT_FALSE(std::filesystem::exists(s.host));
    EXPECT_EQ(fault(app({s}), 0), "");
    EXPECT_EQ(look(s).st_gid, 1U);
    EXPECT_EQ(look(s).st_uid, 0U);
}

TEST_F(Rights, AFileOfAnAppOfRootBelongsToTheUserItRunsAs)
{
    model::AppSpec spec = app({path("s")});
    spec.user = "nobody";
    EXPECT_EQ(fault(spec, 0), "");
    EXPECT_EQ(look(path("s")).st_uid, kNobody);
    EXPECT_EQ(look(path("s")).st_gid, kNobody);
    EXPECT_EQ(look(path("s")).st_mode & 0777U, 0660U);
    spec.listen[0].user = "no-such-user";
    EXPECT_NE(fault(spec, 0).find("user 'no-such-user' does not exist"), std::string::npos) << "told before the launch";
    spec.listen[0].host += "2";
    EXPECT_NE(fault(spec, 0).find("user 'no-such-user' does not exist"), std::string::npos);
}

TEST_F(Rights, WhoSharesAPortIsTheSameUser)
{
    ListenAddress tcp = loopback();
    tcp.reuseport = true;
    ASSERT_EQ(fault(app({tcp}), 0), "");
    auto other = make();
    EXPECT_TRUE(other->hold(app({tcp}), 0));
    EXPECT_FALSE(other->hold(app({tcp}, "theirs"), kNobody)) << "or root's connections would be theirs";
}

} // namespace
} // namespace pm::channel::test
