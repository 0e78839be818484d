// SPDX-License-Identifier: Apache-2.0
// Real Node processes whose primary is pmd.
#include "node_world.hpp"

#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <sys/stat.h>
#include <thread>

namespace pm::channel::test {
namespace {

constexpr const char* kPid = R"(require('http').createServer((q, a) => a.end(String(process.pid))).listen(+process.env.PORT);)";

class NodeCluster : public NodeWorld, public ::testing::WithParamInterface<ClusterMode> {
protected:
    NodeCluster()
    {
        mode = GetParam();
        spec.env["PORT"] = std::to_string(port);
    }
    std::string answer() { return answer_at([this] { return get(port); }); }
    std::string answer_at(const std::function<std::string()>& ask)
    {
        std::string text;
        beside([&] { text = ask(); });
        return text;
    }
    std::uint16_t port = free_port();
};

TEST_P(NodeCluster, WorkersShareOnePort)
{
    program(kPid);
    serve(0);
    serve(1);
    std::set<std::string> pids;
    beside([&] {
        for (int count = 0; count < 3000 && pids.size() < 2; ++count) {
            std::vector<std::thread> clients;
            std::vector<std::string> answers(8);
            for (std::string& one : answers) clients.emplace_back([&] { one = get(port); });
            for (std::thread& one : clients) one.join();
            pids.insert(answers.begin(), answers.end());
        }
    });
    EXPECT_EQ(pids.size(), 2U);
    for (const std::string& pid : pids) EXPECT_EQ(pid.find("error"), std::string::npos) << pid;
    EXPECT_EQ(channels->addresses("web"), std::vector<std::string>{fmt::format("tcp *:{}", port)});
}

INSTANTIATE_TEST_SUITE_P(Modes, NodeCluster, ::testing::Values(ClusterMode::Shared, ClusterMode::RoundRobin, ClusterMode::ReusePort),
                         [](const auto& row) {
                             return row.param == ClusterMode::Shared ? "shared" : row.param == ClusterMode::RoundRobin ? "turns" : "reuseport";
                         });

} // namespace
} // namespace pm::channel::test
