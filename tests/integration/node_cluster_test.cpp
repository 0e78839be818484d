// SPDX-License-Identifier: Apache-2.0
// A plain Node server under pmd: its instances share a port, and are replaced without losing a request.
#include "fixture.hpp"

#include <arpa/inet.h>
#include <atomic>
#include <cstdlib>
#include <fmt/format.h>
#include <set>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

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

TEST_F(NodeCluster, AReloadFromOneModeToAnotherLosesNoRequest)
{
    const auto in_mode = [&](const char* mode) {
        return fmt::format("apps: [{{name: web, script: http.js, instances: 2, env: {{PORT: {}}}, {}}}]", port, mode);
    };
    load(in_mode("balance: shared"));
    const auto failures = under_load([&] {
        for (const char* mode : {"cluster: round-robin", "balance: shared", "balance: even"}) {
            const std::set<pid_t> before = pids();
            load(in_mode(mode), {{"reload", sdbus::Variant(true)}});
            for (const pid_t pid : pids()) EXPECT_FALSE(before.contains(pid)) << mode;
        }
    });
    EXPECT_TRUE(failures.empty()) << *failures.begin();
    EXPECT_TRUE(answers());
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

/// Requests on one connection until an answer says that it is the last; what was no answer, or the last one.
std::string ask_until_closed(int port)
{
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<uint16_t>(port));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) < 0) return "connect";
    const timeval patience{30, 0};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    std::string answer;
    do {
        answer.clear();
        constexpr std::string_view kRequest = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
        (void)!send(fd, kRequest.data(), kRequest.size(), MSG_NOSIGNAL);
        while (!answer.ends_with("hey")) {
            char piece[4096];
            const ssize_t got = recv(fd, piece, sizeof piece, 0);
            if (got <= 0) break;
            answer.append(piece, static_cast<std::size_t>(got));
        }
    } while (answer.ends_with("hey") && answer.find("Connection: close") == std::string::npos);
    close(fd);
    return answer;
}

TEST_F(NodeCluster, OnAHeldSocketAKeptConnectionEndsWithAnAnswer)
{
    dir_.write("held.js", "require('http').createServer((request, response) => response.end('hey')).listen({fd: 3}, () => process.send('ready'));");
    load(fmt::format("apps: [{{name: web, script: held.js, instances: 2, wait_ready: true, listen: '127.0.0.1:{}'}}]", port));
    std::vector<std::string> last(4);
    std::vector<std::thread> clients;
    for (std::string& mine : last) clients.emplace_back([&] { mine = ask_until_closed(port); });
    const auto before = pids();
    const auto failures = under_load([&] { reload(); });
    EXPECT_TRUE(failures.empty()) << *failures.begin();
    for (std::thread& client : clients) client.join();
    for (const std::string& answer : last) EXPECT_TRUE(answer.ends_with("hey")) << answer;
    for (const pid_t pid : pids()) EXPECT_FALSE(before.contains(pid));
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
