// SPDX-License-Identifier: Apache-2.0
// Programs that die of SIGTERM, as others wrote them, are ended while clients talk with them.
#include "bind_world.hpp"

#include "channel/quiet_end.hpp"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstring>
#include <sys/ptrace.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <thread>

namespace pm::channel::test {
namespace {

/// Says "x" to each line, in two processes that accept from one socket.
constexpr const char* kForks = R"(
import os, socket, sys
place = sys.argv[1]
server = socket.socket(socket.AF_UNIX if place[0] == "/" else socket.AF_INET)
server.bind(place if place[0] == "/" else ("127.0.0.1", int(place)))
server.listen()
os.fork()
while True:
    client, _ = server.accept()
    while client.recv(100): client.send(b"x")
    client.close()
)";
/// Takes the signal by sigwait(3).
constexpr const char* kWaits = R"(
import os, signal, threading
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
threading.Thread(target=lambda: (signal.sigwait([signal.SIGTERM]), os._exit(7)), daemon=True).start()
)";
/// Python's own web server, without a log; with a second argument it holds a connection to somebody else.
constexpr const char* kWeb = R"(
import http.server, socket, sys
if len(sys.argv) > 2: other = socket.create_connection(("127.0.0.1", int(sys.argv[2])))
http.server.SimpleHTTPRequestHandler.log_message = lambda *_: None
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), http.server.SimpleHTTPRequestHandler).serve_forever()
)";
constexpr const char* kNode = "require('http').createServer((q, a) => a.end('x')).listen(process.argv[2], '127.0.0.1')";

/// To a port or a path.
base::Fd connected(const std::string& place)
{
    const bool local = place[0] == '/';
    SocketAddress at;
    at.bytes.ss_family = local ? AF_UNIX : AF_INET;
    at.size = local ? sizeof(sockaddr_un) : sizeof(sockaddr_in);
    if (local) {
        std::memcpy(reinterpret_cast<sockaddr_un*>(&at.bytes)->sun_path, place.c_str(), place.size() + 1);
    } else {
        auto* const ip = reinterpret_cast<sockaddr_in*>(&at.bytes);
        ip->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        ip->sin_port = htons(static_cast<std::uint16_t>(std::stoi(place)));
    }
    base::Fd client(::socket(at.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (::connect(client.get(), at.get(), at.size) < 0) client.reset();
    return client;
}

/// What comes back for `text` until the end, or `enough` bytes; empty when it is broken off.
std::string talk(const base::Fd& client, const std::string& text, std::size_t enough = SIZE_MAX)
{
    if (::send(client.get(), text.data(), text.size(), MSG_NOSIGNAL) < 0) return {};
    std::string answer;
    char buffer[1024];
    pollfd ready{client.get(), POLLIN, 0};
    while (answer.size() < enough && ::poll(&ready, 1, 10'000) == 1) {
        const ssize_t got = ::read(client.get(), buffer, sizeof buffer);
        if (got < 0) return {};
        if (got == 0) break;
        answer.append(buffer, static_cast<std::size_t>(got));
    }
    return answer;
}

bool request(const std::string& port)
{
    return talk(connected(port), "HEAD /pm HTTP/1.0\r\n\r\n").ends_with("\r\n\r\n");
}

class QuietEnds : public BindWorld {
protected:
    QuietEnds()
    {
        const auto members = [this](ProcessKey key) { return launcher->members(key); };
        quiet.emplace(loop, [](const model::AppSpec&) { return model::ClusterMode::Transparent; }, members, [this] { written.push_back(any_stopped()); });
        quiet->set_events(*this);
    }
    void SetUp() override
    {
        if (::access("/usr/bin/python3", X_OK) < 0) GTEST_SKIP() << "no python3 here";
        BindWorld::SetUp();
    }
    static model::AppSpec program(std::string name, std::vector<std::string> args)
    {
        model::AppSpec spec;
        spec.name = "web";
        spec.script = std::move(name);
        spec.interpreter = "none";
        spec.args = std::move(args);
        spec.cwd = "/";
        return spec;
    }
    static model::AppSpec python(const std::string& port) { return program("python3", {"-c", kWeb, port}); }
    ProcessKey serve(const model::AppSpec& spec, std::uint32_t id = 1)
    {
        const ProcessKey key = launch(spec, id);
        EXPECT_TRUE(quiet->connect(requests[key], {}));
        EXPECT_TRUE(until_ready(key)) << text(key);
        return key;
    }
    bool is_gone(ProcessKey key) { return told[key].gone.has_value(); }
    bool until_gone(ProcessKey key)
    {
        return until([&] { return is_gone(key); });
    }
    /// By SIGTERM, of which it died.
    void expect_ended(ProcessKey key)
    {
        EXPECT_TRUE(until_gone(key));
        EXPECT_EQ(told[key].gone->code, SIGTERM);
    }
    void two_accept_from(const std::string& place)
    {
        const ProcessKey forks = serve(program("python3", {"-c", kForks, place}));
        const base::Fd one = connected(place);
        const base::Fd two = connected(place); // one is the child's
        ASSERT_EQ(talk(one, "1", 1), "x");
        ASSERT_EQ(talk(two, "2", 1), "x");
        const ProcessKey idle = serve(program("python3", {"-c", kForks, place}), 2);
        EXPECT_TRUE(quiet->dismiss(forks));
        EXPECT_TRUE(quiet->dismiss(idle));
        expect_ended(idle);
        ::shutdown(one.get(), SHUT_WR);
        EXPECT_EQ(talk(one, "", 1), "");
        EXPECT_EQ(talk(two, "3", 1), "x");
        EXPECT_FALSE(is_gone(forks));
        ::shutdown(two.get(), SHUT_WR);
        expect_ended(forks);
    }
    void on_running(ProcessKey key, pid_t pid) override
    {
        BindWorld::on_running(key, pid);
        quiet->runs(key, pid);
    }
    void on_gone(ProcessKey key, const model::ExitInfo& exit) override
    {
        BindWorld::on_gone(key, exit);
        quiet->ended(key);
    }
    void on_drained(ProcessKey key) override
    {
        ++drained[key];
        launcher->terminate(key, requests[key].spec->kill_signal);
    }

    bool any_stopped() const
    {
        return std::ranges::any_of(told, [](const auto& entry) { return entry.second.pid > 0 && AppProcess(entry.second.pid).is_stopped(); });
    }

    std::optional<QuietEnd> quiet;
    std::vector<bool> written; ///< with a process stopped
    std::map<ProcessKey, int> drained;
};

TEST_F(QuietEnds, no_request_is_lost_while_web_servers_of_python_are_replaced)
{
    const std::string port = free_port();
    std::vector<ProcessKey> keys;
    for (std::uint32_t id = 1; id <= 3; ++id) keys.push_back(serve(python(port), id));
    std::atomic<bool> ending = false;
    std::atomic<int> lost = 0;
    std::atomic<int> answered = 0;
    std::vector<std::thread> clients;
    for (int i = 0; i < 4; ++i)
        clients.emplace_back([&] {
            while (!ending) ++(request(port) ? answered : lost);
        });
    for (std::uint32_t i = 0; i < 12; ++i) {
        const ProcessKey old = std::exchange(keys[i % 3], serve(python(port), i % 3 + 1));
        EXPECT_TRUE(quiet->dismiss(old));
        expect_ended(old);
    }
    ending = true;
    for (std::thread& thread : clients) thread.join();
    EXPECT_EQ(lost, 0);
    EXPECT_GT(answered, 12);
}

TEST_F(QuietEnds, who_has_a_connection_serves_it_to_its_end)
{
    const std::string port = free_port();
    const ProcessKey busy = serve(python(port));
    client = connected(port);
    EXPECT_EQ(::send(client.get(), "HEAD", 4, MSG_NOSIGNAL), 4);
    ASSERT_TRUE(until([&] { return std::filesystem::exists("/proc/" + std::to_string(told[busy].pid) + "/fd/4"); })); // accepted
    const ProcessKey idle = serve(python(port), 2);
    EXPECT_TRUE(quiet->dismiss(busy));
    EXPECT_TRUE(quiet->dismiss(idle));
    expect_ended(idle);
    EXPECT_FALSE(is_gone(busy));
    EXPECT_TRUE(talk(client, " /pm HTTP/1.0\r\n\r\n").ends_with("\r\n\r\n"));
    expect_ended(busy);
    EXPECT_EQ(drained[busy], 1);
}

TEST_F(QuietEnds, a_connection_of_a_child_counts) { two_accept_from(free_port()); }

TEST_F(QuietEnds, a_connection_to_a_path_counts) { two_accept_from(path("socket")); }

TEST_F(QuietEnds, a_connection_that_it_made_itself_does_not_count)
{
    const ProcessKey other = serve(python(free_port()));
    const std::string port = broker->addresses("web").at(0);
    const ProcessKey key = serve(program("python3", {"-c", kWeb, free_port(), port.substr(port.rfind(':') + 1)}), 2);
    EXPECT_TRUE(quiet->dismiss(key));
    expect_ended(key);
    EXPECT_FALSE(is_gone(other));
}

TEST_F(QuietEnds, who_catches_the_signal_gets_it_once_at_a_quiet_moment_or_soon)
{
    const ProcessKey key = serve(server("serve", free_port()));
    EXPECT_TRUE(quiet->dismiss(key));
    EXPECT_TRUE(until_gone(key));
    EXPECT_EQ(told[key].gone->code, 0) << "it ended in its own way";
    EXPECT_EQ(drained[key], 1);
}

TEST_F(QuietEnds, who_gets_a_signal_that_nobody_catches_is_not)
{
    auto spec = server("serve", free_port());
    spec.kill_signal = SIGKILL;
    const ProcessKey key = serve(spec);
    EXPECT_TRUE(quiet->dismiss(key));
    EXPECT_TRUE(until_gone(key));
}

TEST_F(QuietEnds, nothing_that_listens_on_nothing_is_waited_for)
{
    const ProcessKey key = launch(program("sleep", {"1000"}));
    EXPECT_TRUE(quiet->connect(requests[key], {}));
    ASSERT_TRUE(until([&] { return told[key].running; }));
    EXPECT_FALSE(quiet->dismiss(key));
}

TEST_F(QuietEnds, node_catches_it_in_any_case_and_is_waited_for_shortly)
{
    if (::access("/usr/bin/node", X_OK) < 0) GTEST_SKIP() << "no node here";
    const std::string port = free_port();
    std::ofstream(path("server.js")) << kNode;
    auto spec = program(path("server.js"), {port});
    spec.interpreter = "node";
    const ProcessKey quiet_one = serve(spec);
    EXPECT_TRUE(quiet->dismiss(quiet_one));
    expect_ended(quiet_one);
    const ProcessKey busy = serve(spec, 2);
    client = connected(port);
    ASSERT_EQ(talk(client, "GET / HTTP/1.1\r\nHost: x\r\n\r\nGET", 4).substr(0, 4), "HTTP");
    EXPECT_TRUE(quiet->dismiss(busy));
    expect_ended(busy);
    EXPECT_EQ(drained[busy], 1);
}

TEST_F(QuietEnds, who_takes_the_signal_ends_it_before_other_threads_run)
{
    for (const char* mode : {"handler-ends", "thread-ends", "waiter-ends", "handler-ends", "thread-ends", "waiter-ends"}) {
        const ProcessKey key = serve(server(mode, free_port()));
        const pid_t pid = told[key].pid;
        if (::ptrace(PTRACE_SEIZE, pid, nullptr, nullptr) < 0) GTEST_SKIP() << "ptrace(2) is forbidden here";
        ::ptrace(PTRACE_INTERRUPT, pid, nullptr, nullptr);
        ::waitpid(pid, nullptr, __WALL);
        ASSERT_EQ(::ptrace(PTRACE_DETACH, pid, nullptr, nullptr), 0);
        EXPECT_TRUE(quiet->dismiss(key));
        EXPECT_TRUE(until_gone(key));
        EXPECT_EQ(told[key].gone->code, 0) << mode << ": another one ran beside it";
    }
}

TEST_F(QuietEnds, what_is_decided_is_written_before_anything_is_stopped)
{
    const ProcessKey key = serve(python(free_port()));
    EXPECT_TRUE(quiet->dismiss(key));
    expect_ended(key);
    ASSERT_FALSE(written.empty());
    EXPECT_EQ(std::ranges::count(written, true), 0);
}

TEST_F(QuietEnds, who_was_told_to_go_by_a_pmd_that_died_runs_on)
{
    const std::string port = free_port();
    const ProcessKey key = serve(python(port));
    ::kill(told[key].pid, SIGSTOP);
    ASSERT_TRUE(until([&] { return AppProcess(told[key].pid).is_all_stopped(); }));
    quiet->wake(key);
    EXPECT_TRUE(request(port));
}

TEST_F(QuietEnds, who_waits_for_the_signal_gets_it_at_a_quiet_moment)
{
    const std::string port = free_port();
    const ProcessKey key = serve(program("python3", {"-c", std::string(kWaits) + kWeb, port}));
    client = connected(port);
    EXPECT_EQ(::send(client.get(), "HEAD", 4, MSG_NOSIGNAL), 4);
    ASSERT_TRUE(until([&] { return std::filesystem::exists("/proc/" + std::to_string(told[key].pid) + "/fd/4"); })); // accepted
    EXPECT_TRUE(quiet->dismiss(key));
    EXPECT_TRUE(talk(client, " /pm HTTP/1.0\r\n\r\n").ends_with("\r\n\r\n"));
    EXPECT_TRUE(until_gone(key));
    EXPECT_EQ(told[key].gone->code, 7) << "it ended in its own way";
    EXPECT_EQ(drained[key], 1);
}

TEST_F(QuietEnds, who_was_stopped_runs_on_when_nobody_waits_any_more)
{
    const std::string port = free_port();
    const ProcessKey key = serve(python(port));
    const pid_t pid = told[key].pid;
    std::optional<QuietMoment> moment;
    bool found = false;
    moment.emplace(loop, pid, [&] { return launcher->members(key); });
    ASSERT_TRUE(moment->learn());
    ASSERT_TRUE(moment->wait(std::chrono::seconds(10), [&] { found = true; }));
    ASSERT_TRUE(until([&] { return found; }));
    EXPECT_TRUE(AppProcess(pid).is_all_stopped());
    moment.reset();
    EXPECT_TRUE(request(port));
}

} // namespace
} // namespace pm::channel::test
