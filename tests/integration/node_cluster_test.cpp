// SPDX-License-Identifier: Apache-2.0
// A plain Node server under pmd: its instances share a port, and are replaced without losing a request.
#include "fixture.hpp"

#include <atomic>
#include <cstdlib>
#include <fmt/format.h>
#include <set>
#include <thread>

namespace pm::test {
namespace {

class NodeCluster : public DaemonTest {
protected:
    void SetUp() override
    {
        if (std::system("node --version >/dev/null 2>&1") != 0) GTEST_SKIP() << "there is no node in PATH";
        DaemonTest::SetUp();
        dir_.write("http.js", read_file(HTTP_JS));
    }
    void serve(const std::string& more = "")
    {
        load(fmt::format("apps: [{{name: web, script: http.js, instances: 2, env: {{PORT: {}}}{}}}]", port, more));
    }
    std::set<pid_t> pids()
    {
        std::set<pid_t> all;
        for (const Instance& instance : list()) {
            EXPECT_EQ(instance.status, "online") << instance.reason;
            all.insert(instance.pid);
        }
        return all;
    }
    /// Whether an answer came.
    [[nodiscard]] bool answers() const { return http_get(port, "/").ends_with("hey"); }
    /// Clients without a pause while `work` is done; what was no answer.
    std::set<std::string> under_load(const std::function<void()>& work)
    {
        constexpr std::size_t kClients = 4;
        std::atomic<bool> enough = false;
        std::vector<std::set<std::string>> failures(kClients);
        std::vector<std::thread> clients;
        for (auto& mine : failures)
            clients.emplace_back([&] {
                while (!enough)
                    if (std::string text = http_get(port, "/"); !text.ends_with("hey")) mine.insert(std::move(text));
            });
        work();
        enough = true;
        std::set<std::string> all;
        for (std::thread& client : clients) client.join();
        for (auto& mine : failures) all.merge(mine);
        return all;
    }
    void reload()
    {
        const auto call = call_later("Reload", "web");
        process_until([&] { return call->ended; }, "the end of the reload");
        EXPECT_EQ(call->error_name, "") << call->error_message;
    }

    int port = free_port();
};

TEST_F(NodeCluster, InstancesShareThePortOfAPlainServer)
{
    serve();
    EXPECT_EQ(pids().size(), 2U);
    EXPECT_TRUE(answers());
    manager_->Stop("web", {});
    EXPECT_TRUE(http_get(port, "/").starts_with("connect: ")) << "nobody serves, and clients are told so";
}

TEST_F(NodeCluster, ReloadsLoseNoRequest)
{
    for (const char* mode : {"shared", "round-robin", "reuseport"}) {
        serve(fmt::format(", cluster: {}", mode));
        const std::set<pid_t> before = pids();
        const auto failures = under_load([&] {
            reload();
            reload();
        });
        EXPECT_TRUE(failures.empty()) << mode << ": " << *failures.begin();
        for (const pid_t pid : pids()) EXPECT_FALSE(before.contains(pid)) << mode;
        manager_->Delete("web", {});
    }
}

TEST_F(NodeCluster, TheOthersServeWhileOneIsStartedAgain)
{
    serve();
    const pid_t first = *pids().begin();
    kill_hard(first);
    wait_gone(first);
    EXPECT_TRUE(answers());
    ask_until([&] { return list().front().status == "online" && list().back().status == "online"; }, "two that serve");
    EXPECT_TRUE(answers());
}

TEST_F(NodeCluster, WhatAnInstanceCannotHaveIsItsFailure)
{
    serve();
    const auto error = error_of([&] {
        load(fmt::format(
            "apps: [{{name: other, script: http.js, instances: 2, max_restarts: 0, ready: listening, env: {{PORT: {}}}}}]",
            port));
    });
    EXPECT_NE(error.getName(), "");
    EXPECT_TRUE(answers());
}

} // namespace
} // namespace pm::test
