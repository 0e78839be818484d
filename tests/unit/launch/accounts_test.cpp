// SPDX-License-Identifier: Apache-2.0
// Who is asked about a user: this machine's files each time, the name service once.
#include "launch/process/accounts.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <unistd.h>

namespace pm::launch {
namespace {

using Groups = std::vector<gid_t>;

/// A database of a few entries that notes what it is asked.
class FakeDatabase final : public UserDatabase {
public:
    std::optional<User> user_by_name(const std::string& name) override
    {
        asked.push_back("user " + name);
        for (const User& user : users)
            if (user.name == name) return user;
        return std::nullopt;
    }
    std::optional<User> user_by_id(uid_t uid) override
    {
        asked.push_back("uid " + std::to_string(uid));
        for (const User& user : users)
            if (user.uid == uid) return user;
        return std::nullopt;
    }
    std::optional<gid_t> group_by_name(const std::string& name) override
    {
        asked.push_back("group " + name);
        const auto found = groups.find(name);
        return found == groups.end() ? std::nullopt : std::optional(found->second);
    }
    Groups groups_of(const std::string& user, gid_t gid) override
    {
        asked.push_back("groups of " + user);
        return {gid, static_cast<gid_t>(1000 + users.size())};
    }
    std::vector<User> users;
    std::map<std::string, gid_t> groups;
    std::vector<std::string> asked;
};

using Asked = std::vector<std::string>;

class AccountsTest : public testing::Test {
protected:
    void SetUp() override
    {
        if (::geteuid() != 0) GTEST_SKIP() << "only root is given other accounts";
        files.users = {{"local", 10, 11, "/home/local", "/bin/sh"}};
        service.users = {{"remote", 20, 21, "/net/remote", "/bin/sh"}};
        service.groups = {{"staff", 22}};
    }
    FakeDatabase files;
    FakeDatabase service;
    Accounts accounts{files, service};
};

TEST_F(AccountsTest, TheNameServiceIsNotAskedAboutAUserOfThisMachine)
{
    const auto account = accounts.find("local", "");
    ASSERT_TRUE(account);
    EXPECT_EQ(account->uid, 10u);
    EXPECT_EQ(account->groups, (Groups{11, 1001}));
    EXPECT_EQ(accounts.find("10", "")->name, "local");
    EXPECT_EQ(service.asked, Asked{});
    files.users.push_back({"other", 30, 31, "", ""}); // the files are read again each time
    EXPECT_EQ(accounts.find("local", "")->groups, (Groups{11, 1002}));
}

TEST_F(AccountsTest, TheNameServiceIsAskedOnceUntilToldToForget)
{
    for (int launch = 0; launch < 3; ++launch) {
        const auto account = accounts.find("remote", "staff");
        ASSERT_TRUE(account);
        EXPECT_EQ(account->uid, 20u);
        EXPECT_EQ(account->gid, 22u);
        EXPECT_EQ(account->groups, (Groups{22, 1001}));
        EXPECT_EQ(account->home, "/net/remote");
    }
    EXPECT_EQ(service.asked, (Asked{"group staff", "user remote", "groups of remote"}));
    service.users[0].uid = 25;
    EXPECT_EQ(accounts.find("remote", "")->uid, 20u);
    accounts.forget();
    EXPECT_EQ(accounts.find("remote", "")->uid, 25u);
}

TEST_F(AccountsTest, ANumberThatHasNoNameIsAskedAboutOnce)
{
    for (int launch = 0; launch < 3; ++launch) {
        const auto account = accounts.find("4711", "4712");
        ASSERT_TRUE(account);
        EXPECT_EQ(account->uid, 4711u);
        EXPECT_EQ(account->groups, (Groups{4712}));
        EXPECT_EQ(account->name, "");
    }
    EXPECT_EQ(service.asked, (Asked{"group 4712", "user 4711", "uid 4711"}));
}

TEST_F(AccountsTest, ANameThatIsUnknownIsAskedAboutAgain)
{
    EXPECT_FALSE(accounts.find("new", ""));
    service.users.push_back({"new", 40, 41, "", ""});
    EXPECT_TRUE(accounts.find("new", ""));
}

TEST_F(AccountsTest, WhatIsKeptIsBounded)
{
    for (std::size_t i = 0; i <= AskedOnce::kMostKept; ++i)
        ASSERT_TRUE(accounts.find(std::to_string(5000 + i), "1"));
    service.asked.clear();
    ASSERT_TRUE(accounts.find("5000", "1"));
    EXPECT_EQ(service.asked, (Asked{"user 5000", "uid 5000"}));
}

TEST(AccountFilesTest, ReadsUsersGroupsAndMembers)
{
    std::string directory = (std::filesystem::temp_directory_path() / "pm-accounts-XXXXXX").string();
    ASSERT_NE(::mkdtemp(directory.data()), nullptr);
    std::ofstream(directory + "/passwd") << "root:x:0:0:root:/root:/bin/bash\nweb:x:33:34:Web,,,:/srv/web:/bin/sh\n";
    std::ofstream(directory + "/group") << "# no group\nroot:x:0:\nweb:x:34:web\nadm:x:4:root,web\nadm2:x:4:web\n"
                                           "webs:x:35:webs,aweb\nlog:x:36:web\n";
    AccountFiles files(directory + "/passwd", directory + "/group");
    const auto web = files.user_by_name("web");
    ASSERT_TRUE(web);
    EXPECT_EQ(web->uid, 33u);
    EXPECT_EQ(web->gid, 34u);
    EXPECT_EQ(web->home, "/srv/web");
    EXPECT_EQ(files.user_by_id(33)->name, "web");
    EXPECT_FALSE(files.user_by_name("we"));
    EXPECT_EQ(files.group_by_name("adm"), 4u);
    EXPECT_FALSE(files.group_by_name("ad"));
    EXPECT_EQ(files.groups_of("web", 34), (Groups{34, 4, 36}));
    EXPECT_EQ(files.groups_of("web", 99), (Groups{99, 34, 4, 36}));
    EXPECT_EQ(files.groups_of("nobody", 7), (Groups{7}));
    std::filesystem::remove_all(directory);
    EXPECT_FALSE(files.user_by_name("web"));
    EXPECT_EQ(files.groups_of("web", 34), (Groups{34}));
}

} // namespace
} // namespace pm::launch
