// SPDX-License-Identifier: Apache-2.0
#include "policy/changes.hpp"
#include "policy/environment.hpp"
#include "policy/listen_variables.hpp"

#include <gtest/gtest.h>

namespace pm::policy {
namespace {

using model::ListenAddress;
using model::SocketType;
using AddressKind = ListenAddress::Kind;
using Variables = std::map<std::string, std::string>;

model::AppSpec listening(std::string script = "server")
{
    model::AppSpec spec;
    spec.name = "web";
    spec.script = std::move(script);
    spec.listen = {{.kind = AddressKind::Any, .port = 8000, .name = "http"},
                   {.kind = AddressKind::Ip4, .host = "127.0.0.1", .port = 8001, .name = "8001"},
                   {.kind = AddressKind::Ip6, .type = SocketType::Datagram, .host = "::1", .port = 53, .name = "dns"},
                   {.kind = AddressKind::Path, .host = "/run/x.sock", .name = "x.sock"},
                   {.kind = AddressKind::Abstract, .host = "a", .name = "a"},
                   {.kind = AddressKind::Ip6, .host = "::1", .port = 8002, .name = "8002"}};
    return spec;
}

TEST(ListenVariables, TellOfTheSocketsInEveryUsualWay)
{
    EXPECT_EQ(listen_variables(listening()),
              (Variables{{"LISTEN_FDS", "6"},
                         {"LISTEN_FDNAMES", "http:8001:dns:x.sock:a:8002"},
                         {"EINHORN_FD_COUNT", "6"},
                         {"EINHORN_FDS", "3 4 5 6 7 8"},
                         {"EINHORN_FD_0", "3"},
                         {"EINHORN_FD_1", "4"},
                         {"EINHORN_FD_2", "5"},
                         {"EINHORN_FD_3", "6"},
                         {"EINHORN_FD_4", "7"},
                         {"EINHORN_FD_5", "8"},
                         {"SERVER_STARTER_PORT", "8000=3;127.0.0.1:8001=4;/run/x.sock=6;[::1]:8002=8"}}));
    EXPECT_TRUE(listen_variables({}).empty());
}

TEST(ListenVariables, KnowProgramsThatWantTheirOwn)
{
    const auto value = [](const char* script, const char* name) {
        const Variables all = listen_variables(listening(script));
        const auto found = all.find(name);
        return found == all.end() ? "(unset)" : found->second;
    };
    EXPECT_EQ(value("/usr/sbin/nginx -g 'daemon off;'", "NGINX"), "3;4;5;6;7;8;");
    EXPECT_EQ(value("php-fpm8.2", "FPM_SOCKETS"), "8000=3,127.0.0.1:8001=4,/run/x.sock=6,[::1]:8002=8");
    EXPECT_EQ(value("/usr/bin/unicorn", "UNICORN_FD"), "3,4,5,6,7,8");
    EXPECT_EQ(value("server", "NGINX"), "(unset)");
    EXPECT_EQ(value("./nginx.d/server", "NGINX"), "(unset)");
}

TEST(ListenVariables, WinOverWhatTheAppFileSays)
{
    model::AppSpec spec = listening();
    spec.env = {{"LISTEN_FDS", "9"}, {"OTHER", "1"}};
    const Environment env = environment(spec, {}, {});
    EXPECT_EQ(env.at("LISTEN_FDS"), "6");
    EXPECT_EQ(env.at("OTHER"), "1");
    spec.listen.clear();
    EXPECT_EQ(environment(spec, {}, {}).at("LISTEN_FDS"), "9");
}

TEST(ListenVariables, AChangedAddressIsAChangeOfListen)
{
    const model::AppSpec before = listening();
    model::AppSpec after = before;
    after.listen[0].backlog = 5;
    EXPECT_EQ(spec_changes(before, after), std::vector<std::string_view>{"listen"});
}

} // namespace
} // namespace pm::policy
