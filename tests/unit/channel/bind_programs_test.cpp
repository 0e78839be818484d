// SPDX-License-Identifier: Apache-2.0
// Programs that others wrote, as they are: several of them on one port.
#include "bind_world.hpp"

namespace pm::channel::test {
namespace {

class BindPrograms : public BindWorld {
protected:
    /// An app that runs a program of PATH, as `user` where we are root.
    static model::AppSpec program(std::string name, std::vector<std::string> args, const std::string& user)
    {
        model::AppSpec spec;
        spec.name = "web";
        spec.script = std::move(name);
        spec.interpreter = "none";
        spec.args = std::move(args);
        spec.cwd = "/";
        if (::geteuid() == 0) spec.user = user;
        return spec;
    }
    /// Sends a request of HTTP/1.0; true when something came back.
    static bool request(const std::string& port)
    {
        const base::Fd asking(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_in at{};
        at.sin_family = AF_INET;
        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        at.sin_port = htons(static_cast<std::uint16_t>(std::stoi(port)));
        if (::connect(asking.get(), reinterpret_cast<sockaddr*>(&at), sizeof at) < 0) return false;
        const std::string text = "HEAD /pm HTTP/1.0\r\n\r\n";
        if (::write(asking.get(), text.data(), text.size()) < 0) return false;
        pollfd ready{asking.get(), POLLIN, 0};
        char answer[512];
        return ::poll(&ready, 1, 5'000) == 1 && ::read(asking.get(), answer, sizeof answer) > 0;
    }
    /// Asks until each of `keys` has said `mark`, which it does for each request.
    bool all_serve(const std::string& port, const std::vector<ProcessKey>& keys, const std::string& mark)
    {
        const auto served = [&](ProcessKey key) { return text(key).find(mark) != std::string::npos; };
        for (int i = 0; i < 2'000; ++i) {
            if (std::ranges::all_of(keys, served)) return true;
            if (!request(port)) return false;
            loop.run_once(std::chrono::milliseconds(0));
        }
        return false;
    }
    void three_share_and_one_is_replaced(const model::AppSpec& spec, const std::string& port, const std::string& mark)
    {
        std::vector<ProcessKey> keys;
        for (std::uint32_t id = 1; id <= 3; ++id) keys.push_back(launch(spec, id));
        for (const ProcessKey key : keys) ASSERT_TRUE(until_ready(key)) << text(key);
        EXPECT_TRUE(all_serve(port, keys, mark));
        kill(keys[0]);
        EXPECT_TRUE(request(port));
        keys[0] = launch(spec, 1);
        ASSERT_TRUE(until_ready(keys[0])) << text(keys[0]);
        EXPECT_TRUE(all_serve(port, keys, mark));
        EXPECT_EQ(broker->addresses("web").size(), 1U);
        EXPECT_EQ(warnings, std::vector<std::string>());
    }
};

TEST_F(BindPrograms, three_web_servers_of_python)
{
    if (::access("/usr/bin/python3", X_OK) < 0) GTEST_SKIP() << "no python3 here";
    const std::string port = free_port();
    const std::vector<std::string> args{"-u", "-m", "http.server", port};
    three_share_and_one_is_replaced(program("python3", args, ""), port, "HEAD /pm");
}

TEST_F(BindPrograms, three_web_servers_of_python_as_an_ordinary_user)
{
    if (::access("/usr/bin/python3", X_OK) < 0) GTEST_SKIP() << "no python3 here";
    if (::geteuid() != 0) GTEST_SKIP() << "needs root to change the user";
    const std::string port = free_port();
    const std::vector<std::string> args{"-u", "-m", "http.server", port};
    three_share_and_one_is_replaced(program("python3", args, "nobody"), port, "HEAD /pm");
}

TEST_F(BindPrograms, three_servers_of_node_without_its_cluster)
{
    if (::access("/usr/bin/node", X_OK) < 0) GTEST_SKIP() << "no node here";
    const std::string port = free_port();
    const std::vector<std::string> args{
        "-e", "require('http').createServer((q, a) => { console.log('served'); a.end('x'); }).listen(" + port + ")"};
    three_share_and_one_is_replaced(program("node", args, "nobody"), port, "served");
}

} // namespace
} // namespace pm::channel::test
