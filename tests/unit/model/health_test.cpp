// SPDX-License-Identifier: Apache-2.0
#include "model/health.hpp"

#include <gtest/gtest.h>

namespace pm::model {
namespace {

TEST(HealthTarget, UrlsAreReadAndWrittenAlike)
{
    struct Row {
        const char* url;
        const char* host;
        int port;
        const char* path;
        const char* again;
        const char* variable = "";
    };
    const Row rows[] = {
        {"http://127.0.0.1:8080/health?deep=1", "127.0.0.1", 8080, "/health?deep=1", "http://127.0.0.1:8080/health?deep=1"},
        {"http://127.0.0.1", "127.0.0.1", 80, "/", "http://127.0.0.1:80/"},
        {"http://[::1]:3000/", "::1", 3000, "/", "http://[::1]:3000/"},
        {"http://[::1]", "::1", 80, "/", "http://[::1]:80/"},
        {"http://localhost:3000?x", "localhost", 3000, "/?x", "http://localhost:3000/?x"},
        {"http://localhost/a#there", "localhost", 80, "/a", "http://localhost:80/a"},
        {"http://[::1]:$PORT/", "::1", 0, "/", "http://[::1]:$PORT/", "PORT"},
        {"http://127.0.0.1:${HTTP_PORT2}?a", "127.0.0.1", 0, "/?a", "http://127.0.0.1:$HTTP_PORT2/?a", "HTTP_PORT2"},
    };
    for (const Row& row : rows) {
        const auto target = http_target_from(row.url);
        ASSERT_TRUE(target) << row.url;
        EXPECT_EQ(*target, (HealthTarget{HealthTarget::Kind::Http, row.host, static_cast<std::uint16_t>(row.port), row.path, row.variable})) << row.url;
        EXPECT_EQ(to_string(*target), row.again);
        EXPECT_EQ(http_target_from(to_string(*target)).value(), *target);
    }
}

TEST(HealthTarget, WhatIsNoUrlIsRefused)
{
    for (const char* url : {"", "/health", "ftp://127.0.0.1/", "https://127.0.0.1/", "http://", "http://:80/", "http://example.org/", "http://127.0.0.1:0/",
                            "http://127.0.0.1:65536/", "http://127.0.0.1:x/", "http://127.0.0.1:/", "http://::1/", "http://[::1/", "http://[127.0.0.1]/",
                            "http://[::1]8/", "http://$HOST/", "http://127.0.0.1:$/", "http://127.0.0.1:$1/", "http://127.0.0.1:${A/", "http://127.0.0.1:1$A/", "http://[::1]$PORT/", "http://127.0.0.1:$A-B/", "http://a@127.0.0.1/", "http://127.0.0.1/a b", "http://127.0.0.1/\r\nX: y", "http://127.0.0.1/\xc3\xbc"})
        EXPECT_FALSE(http_target_from(url)) << url;
    EXPECT_FALSE(http_target_from("http://127.0.0.1/" + std::string(3000, 'x')));
    EXPECT_NE(http_target_from("https://127.0.0.1/").error().message.find("https is not supported"), std::string::npos);
    EXPECT_EQ(http_target_from("http://x\x1b/").error().message.find('\x1b'), std::string::npos);
}

TEST(HealthTarget, OfTcpAPortIsNeeded)
{
    for (const char* address : {"127.0.0.1:5432", "[::1]:5432", "localhost:5432"}) {
        const auto target = tcp_target_from(address);
        ASSERT_TRUE(target) << address;
        EXPECT_EQ(target->port, 5432);
        EXPECT_EQ(to_string(*target), address);
    }
    EXPECT_EQ(tcp_target_from("localhost:$PORT").value().port_variable, "PORT");
    for (const char* address : {"", "5432", "127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "::1:5432", "db:5432", "127.0.0.1:5432/", "tcp://127.0.0.1:1"})
        EXPECT_FALSE(tcp_target_from(address)) << address;
}

} // namespace
} // namespace pm::model
