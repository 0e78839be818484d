// SPDX-License-Identifier: Apache-2.0
// Programs that bind by themselves and share: first and later ones, ends, refusals, what goes wrong.
#include "bind_world.hpp"

#include <atomic>
#include <thread>

namespace pm::channel::test {
namespace {

TEST_F(BindWorld, instances_share_one_port)
{
    const std::string port = free_port();
    std::vector<ProcessKey> keys;
    for (std::uint32_t id = 1; id <= 3; ++id) keys.push_back(launch("serve", port, id)); // at once
    for (const ProcessKey key : keys) {
        EXPECT_TRUE(until_ready(key)) << text(key);
        EXPECT_TRUE(until_text(key, "bind ok\nlisten ok\n")) << text(key);
    }
    EXPECT_TRUE(all_answer(port, keys));
    EXPECT_EQ(broker->addresses("web"), std::vector<std::string>{"tcp 127.0.0.1:" + port});
    EXPECT_EQ(warnings, std::vector<std::string>());
}

TEST_F(BindWorld, the_end_of_the_first_one_ends_nothing_for_the_others)
{
    const std::string port = free_port();
    const auto first = launch("serve", port, 1);
    ASSERT_TRUE(until_ready(first));
    const auto second = launch("serve", port, 2);
    ASSERT_TRUE(until_ready(second));
    kill(first);
    EXPECT_TRUE(all_answer(port, {second}));
    const auto successor = launch("serve", port, 1);
    ASSERT_TRUE(until_ready(successor)) << text(successor);
    EXPECT_TRUE(all_answer(port, {second, successor}));
}

TEST_F(BindWorld, connections_wait_while_no_process_is_left)
{
    const std::string port = free_port();
    const auto first = launch("serve", port);
    ASSERT_TRUE(until_ready(first));
    kill(first);
    client = base::Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    at.sin_port = htons(static_cast<std::uint16_t>(std::stoi(port)));
    ASSERT_EQ(::connect(client.get(), reinterpret_cast<sockaddr*>(&at), sizeof at), 0);
    const auto successor = launch("serve", port);
    ASSERT_TRUE(until_ready(successor)) << text(successor);
    char answer[32] = "";
    EXPECT_GT(::read(client.get(), answer, sizeof answer - 1), 0);
    EXPECT_EQ(std::atoi(answer), told[successor].pid);
}

TEST_F(BindWorld, no_connection_is_lost_when_all_instances_are_replaced)
{
    const std::string port = free_port();
    std::vector<ProcessKey> keys;
    for (std::uint32_t id = 1; id <= 3; ++id) keys.push_back(launch("serve", port, id));
    for (const ProcessKey key : keys) ASSERT_TRUE(until_ready(key)) << text(key);
    std::atomic<bool> over = false;
    int asked = 0;
    int lost = 0;
    std::thread asking([&] {
        for (; !over; ++asked)
            if (ask(port) == 0) ++lost;
    });
    for (int round = 0; round < 5; ++round)
        for (std::uint32_t id = 1; id <= 3; ++id) {
            const auto successor = launch("serve", port, id);
            EXPECT_TRUE(until_ready(successor)) << text(successor);
            ProcessKey& old = keys[id - 1];
            launcher->terminate(old, SIGTERM);
            EXPECT_TRUE(until([&] { return told[old].gone.has_value(); }));
            old = successor;
        }
    over = true;
    asking.join();
    EXPECT_GT(asked, 100);
    EXPECT_EQ(lost, 0) << "of " << asked;
}

TEST_F(BindWorld, a_successor_that_binds_elsewhere_is_not_in_the_way_of_itself)
{
    const std::string port = free_port();
    const auto first = launch("serve", port);
    ASSERT_TRUE(until_ready(first));
    kill(first);
    const auto successor = launch("serve", "any:" + port);
    ASSERT_TRUE(until_ready(successor)) << text(successor);
    EXPECT_EQ(broker->addresses("web"), std::vector<std::string>{"tcp 0.0.0.0:" + port});
    EXPECT_EQ(ask(port), told[successor].pid);
}

TEST_F(BindWorld, ports_that_the_kernel_chooses_are_each_ones_own)
{
    const auto first = launch("serve", "0", 1);
    const auto second = launch("serve", "0", 2);
    EXPECT_TRUE(until_ready(first)) << text(first);
    EXPECT_TRUE(until_ready(second)) << text(second);
    EXPECT_EQ(broker->addresses("web"), std::vector<std::string>());
}

TEST_F(BindWorld, an_app_at_rest_listens_nowhere)
{
    const std::string port = free_port();
    const auto first = launch("serve", port);
    ASSERT_TRUE(until_ready(first));
    EXPECT_EQ(depot.kept.size(), 2U); // its filter and its socket
    kill(first);
    EXPECT_EQ(depot.kept.size(), 1U);
    broker->rests("web");
    EXPECT_EQ(depot.kept.size(), 0U);
    EXPECT_EQ(ask(port), 0);
    EXPECT_EQ(broker->addresses("web"), std::vector<std::string>());
}

TEST_F(BindWorld, a_port_that_somebody_else_has_is_refused_by_the_kernel)
{
    const std::string port = free_port();
    auto spec = server("serve", port);
    spec.name = "other";
    const auto other = launch(spec, 9);
    ASSERT_TRUE(until_ready(other));
    const auto first = launch("serve", port, 1);
    const auto second = launch("serve", port, 2);
    EXPECT_TRUE(until_text(first, "bind Address already in use")) << text(first);
    EXPECT_TRUE(until_text(second, "bind Address already in use")) << text(second);
    EXPECT_EQ(told[first].ready, 0);
}

TEST_F(BindWorld, binding_twice_is_refused_as_without_pmd)
{
    const std::string port = free_port();
    const auto first = launch("twice", port, 1);
    EXPECT_TRUE(until_text(first, "again Address already in use")) << text(first);
    const auto second = launch("twice", port, 2);
    EXPECT_TRUE(until_text(second, "bind ok\nlisten ok\nagain Address already in use")) << text(second);
    const auto third = launch("reuseport", port, 3);
    EXPECT_TRUE(until_text(third, "again ok\nlisten ok")) << text(third);
}

TEST_F(BindWorld, looking_whether_a_port_is_free_takes_nothing)
{
    const std::string port = free_port();
    for (std::uint32_t id = 1; id <= 2; ++id) {
        const auto key = launch("probe", port, id);
        EXPECT_TRUE(until_text(key, "probe ok\nbind ok\nlisten ok\n")) << text(key);
        EXPECT_TRUE(until_ready(key));
    }
}

TEST_F(BindWorld, what_is_bound_and_does_not_listen_yet_is_shared_too)
{
    const std::string port = free_port();
    const auto first = launch("hold", port, 1);
    ASSERT_TRUE(until_text(first, "bind ok")) << text(first);
    const auto second = launch("serve", port, 2);
    ASSERT_TRUE(until_ready(second)) << text(second);
    EXPECT_EQ(told[first].ready, 0);
    EXPECT_EQ(ask(port), told[second].pid);
}

TEST_F(BindWorld, the_newest_says_whether_accept_blocks_and_each_what_execve_closes)
{
    const std::string port = free_port();
    const auto first = launch("nonblocking", port, 1);
    ASSERT_TRUE(until_ready(first));
    const auto second = launch("flags", port, 2);
    EXPECT_TRUE(until_text(second, "cloexec 1 nonblock 0")) << text(second);
}

TEST_F(BindWorld, unix_paths_and_abstract_names_are_shared)
{
    for (const std::string& place : {path("s"), "@pm-bind-test" + std::to_string(::getpid())}) {
        const auto first = launch("serve", place, 1);
        ASSERT_TRUE(until_ready(first)) << text(first);
        const auto second = launch("serve", place, 2);
        ASSERT_TRUE(until_ready(second)) << text(second);
        EXPECT_TRUE(all_answer(place, {first, second})) << place;
    }
}

TEST_F(BindWorld, who_removes_the_file_of_a_socket_before_it_binds_shares_it_all_the_same)
{
    const auto first = launch("serve", path("s"), 1);
    ASSERT_TRUE(until_ready(first)) << text(first);
    const auto second = launch("unlink", path("s"), 2);
    ASSERT_TRUE(until_ready(second)) << text(second);
    const auto third = launch("serve", path("s"), 3);
    ASSERT_TRUE(until_ready(third)) << text(third);
    EXPECT_TRUE(all_answer(path("s"), {first, second, third}));
}

/// As many programs do when they end; the others of the app are to be reached all the same.
TEST_F(BindWorld, a_path_that_a_process_removes_is_put_back)
{
    const auto is_there = [this] { return ::access(path("s").c_str(), F_OK) == 0; };
    const auto first = launch("serve", path("s"), 1);
    ASSERT_TRUE(until_ready(first)) << text(first);
    const auto second = launch("serve", path("s"), 2);
    ASSERT_TRUE(until_ready(second)) << text(second);
    for (int time = 0; time < 3; ++time) {
        ASSERT_EQ(::unlink(path("s").c_str()), 0);
        EXPECT_TRUE(until(is_there)) << "the kernel tells of it";
    }
    EXPECT_TRUE(all_answer(path("s"), {first, second}));
    kill(first);
    EXPECT_EQ(ask(path("s")), told[second].pid);
    ASSERT_EQ(::unlink(path("s").c_str()), 0);
    kill(second); // the last one, as a restart of a single instance
    EXPECT_TRUE(is_there());
    const auto third = launch("serve", path("s"), 1);
    ASSERT_TRUE(until_ready(third)) << text(third);
    EXPECT_EQ(ask(path("s")), told[third].pid);
    kill(third);
    broker->rests("web");
    EXPECT_FALSE(is_there()) << "no process of the app would have left it";
    EXPECT_NE(::access(path(".s.pmd").c_str(), F_OK), 0);
}

/// As long as no program has removed it, it is the program's to remove.
TEST_F(BindWorld, a_path_that_was_renamed_or_replaced_is_left_alone)
{
    const auto first = launch("serve", path("s"), 1);
    ASSERT_TRUE(until_ready(first)) << text(first);
    ASSERT_EQ(::rename(path("s").c_str(), path("t").c_str()), 0);
    ASSERT_EQ(::rename(path("t").c_str(), path("u").c_str()), 0);
    const base::Fd other(::open(path("s").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    loop.run_once(std::chrono::milliseconds(20));
    EXPECT_NE(::access(path("t").c_str(), F_OK), 0);
    EXPECT_EQ(ask(path("u")), told[first].pid);
    kill(first);
    broker->rests("web");
    EXPECT_EQ(::access(path("s").c_str(), F_OK), 0);
    EXPECT_EQ(::access(path("u").c_str(), F_OK), 0);
}

TEST_F(BindWorld, another_user_binds_with_his_rights_alone)
{
    if (::geteuid() != 0) GTEST_SKIP() << "needs root to change the user";
    auto spec = server("serve", "81");
    spec.user = "nobody";
    const auto refused = launch(spec, 1);
    EXPECT_TRUE(until_text(refused, "bind Permission denied")) << text(refused);
    const std::string port = free_port();
    spec.args = {"serve", port};
    const auto first = launch(spec, 2);
    ASSERT_TRUE(until_ready(first)) << text(first);
    const auto second = launch(spec, 3);
    ASSERT_TRUE(until_ready(second)) << text(second);
    EXPECT_TRUE(all_answer(port, {first, second}));
}

TEST_F(BindWorld, a_storm_of_binds_hurts_nobody)
{
    const std::string port = free_port();
    const auto storm = launch("storm", port, 1);
    const auto calm = launch("serve", free_port(), 2);
    EXPECT_TRUE(until_ready(calm)) << text(calm);
    EXPECT_TRUE(until_text(storm, "storm ok\nbind ok\nlisten ok\n")) << text(storm);
    EXPECT_EQ(ask(port), told[storm].pid);
}

TEST_F(BindWorld, a_new_pmd_goes_on_with_what_the_old_one_had)
{
    const std::string port = free_port();
    const auto first = launch("serve", port, 1);
    ASSERT_TRUE(until_ready(first));
    broker.reset();
    make_broker();
    broker->reconnect(requests[first], nullptr);
    EXPECT_EQ(broker->addresses("web"), std::vector<std::string>{"tcp 127.0.0.1:" + port});
    const auto second = launch("serve", port, 2);
    ASSERT_TRUE(until_ready(second)) << text(second);
    EXPECT_TRUE(all_answer(port, {first, second}));
    kill(first);
    kill(second);
    EXPECT_EQ(depot.kept.size(), 1U);
    EXPECT_EQ(broker->addresses("web"), std::vector<std::string>{"tcp 127.0.0.1:" + port});
}

TEST_F(BindWorld, what_a_killed_pmd_had_is_taken_from_the_processes)
{
    const std::string port = free_port();
    const auto first = launch("serve", port, 1);
    ASSERT_TRUE(until_ready(first));
    broker.reset();
    depot.kept.clear();
    make_broker();
    broker->reconnect(requests[first], nullptr);
    EXPECT_TRUE(broker->addresses("web").empty());
    broker->runs(first, told[first].pid);
    EXPECT_EQ(broker->addresses("web"), std::vector<std::string>{"tcp 127.0.0.1:" + port});
    const auto second = launch("serve", port, 2);
    ASSERT_TRUE(until_ready(second)) << text(second);
    EXPECT_TRUE(all_answer(port, {first, second}));
    kill(first);
    EXPECT_EQ(ask(port), told[second].pid);
}

TEST_F(BindWorld, what_was_launched_before_binds_with_the_new_pmd)
{
    const std::string port = free_port();
    auto spec = server("serve", port);
    spec.script = "/bin/sh";
    spec.interpreter = "none";
    spec.args = {"-c", "read line < '" + path("go") + "'; exec " BINDING_SERVER " serve " + port};
    ASSERT_EQ(::mkfifo(path("go").c_str(), 0600), 0);
    const auto first = launch(spec, 1);
    ASSERT_TRUE(until([&] { return told[first].running; }));
    broker.reset();
    make_broker();
    broker->reconnect(requests[first], nullptr);
    std::ofstream(path("go")) << "go\n";
    EXPECT_TRUE(until_ready(first)) << text(first);
    const auto second = launch("serve", port, 2);
    ASSERT_TRUE(until_ready(second)) << text(second);
    EXPECT_TRUE(all_answer(port, {first, second}));
}

TEST_F(BindWorld, with_reuseport_each_has_a_socket_of_its_own)
{
    const std::string port = free_port();
    auto spec = server("serve", port);
    spec.name = "even";
    std::vector<ProcessKey> keys;
    for (std::uint32_t id = 1; id <= 3; ++id) keys.push_back(launch(spec, id));
    for (const ProcessKey key : keys) EXPECT_TRUE(until_ready(key)) << text(key);
    EXPECT_TRUE(all_answer(port, keys));
    EXPECT_EQ(depot.kept.size(), 3U); // the filters
    for (const ProcessKey key : keys) kill(key);
    EXPECT_EQ(ask(port), 0);
}

TEST_F(BindWorld, of_apps_that_did_not_ask_nothing_is_shared)
{
    auto spec = server("serve", free_port());
    spec.name = "alone";
    const auto first = launch(spec, 1);
    ASSERT_TRUE(until_text(first, "listen ok"));
    const auto second = launch(spec, 2);
    EXPECT_TRUE(until_text(second, "bind Address already in use")) << text(second);
    EXPECT_EQ(depot.kept.size(), 0U);
}

} // namespace
} // namespace pm::channel::test
