// SPDX-License-Identifier: Apache-2.0
#include "answering.hpp"
#include "io/probe.hpp"

#include <cstdio>
#include <fstream>
#include <net/if.h>
#include <optional>
#include <sched.h>
#include <sstream>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace pm::io::test {
namespace {

using model::HealthTarget;
using std::chrono::milliseconds;

class Probing : public ::testing::Test {
protected:
    /// "" when the check succeeds, else why it does not.
    std::string check(const HealthTarget& target, model::Duration timeout = std::chrono::seconds(20))
    {
        std::optional<std::string> told;
        std::optional<Probe> probe;
        probe.emplace(loop, target, nullptr, timeout, [&](const base::Result<void>& result) {
            told = result ? "" : result.error().message;
            probe.reset(); // as who asked may
        });
        EXPECT_FALSE(told) << "not from inside the call";
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
        while (!told && std::chrono::steady_clock::now() < deadline) loop.run_once(milliseconds(50));
        return told.value_or("nothing was told");
    }
    HealthTarget http(std::string host = "127.0.0.1") const { return {HealthTarget::Kind::Http, std::move(host), server.port, "/health?x=1", ""}; }
    HealthTarget tcp(std::string host = "127.0.0.1") const { return {HealthTarget::Kind::Tcp, std::move(host), server.port, "", ""}; }
    std::string place() const { return "127.0.0.1:" + std::to_string(server.port); }

    EventLoop loop;
    Answering server{loop};
};

TEST_F(Probing, AServerThatAnswersIsAskedForThePath)
{
    server.listen();
    for (const char* answer : {"HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.0 204\r\n", "HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n", "HTTP/1.1 399 \n"}) {
        server.answer = answer;
        EXPECT_EQ(check(http()), "") << answer;
    }
    EXPECT_EQ(server.asked, "GET /health?x=1 HTTP/1.1\r\nHost: " + place() + "\r\nUser-Agent: pmd\r\nAccept: */*\r\nConnection: close\r\n\r\n");
}

TEST_F(Probing, OtherAnswersAreTold)
{
    server.listen();
    const std::string url = "http://" + place() + "/health: ";
    struct Row {
        std::string answer;
        const char* why;
    };
    for (const Row& row : {Row{"HTTP/1.1 503 Service Unavailable\r\n\r\n", "answered 503"}, Row{"HTTP/1.1 404\r\n", "answered 404"},
                           Row{"HTTP/1.1 400 Bad\r\n", "answered 400"}, Row{"SSH-2.0-x\r\n", "answered something that is not HTTP"},
                           Row{std::string(5000, 'x'), "answered something that is not HTTP"}, Row{"", "closed the connection without an answer"},
                           Row{"HTTP/1.1 2", "closed the connection without an answer"}}) {
        server.answer = row.answer;
        EXPECT_EQ(check(http()), url + row.why);
    }
}

TEST_F(Probing, NobodyThereIsTold)
{
    EXPECT_EQ(check(http()), "http://" + place() + "/health: Connection refused");
    EXPECT_EQ(check(tcp()), place() + ": Connection refused");
}

TEST_F(Probing, OneThatDoesNotAnswerIsGivenUp)
{
    server.listen();
    server.hang_up = false;
    server.answer = "HTTP/1.1 200"; // and no end of the line
    EXPECT_EQ(check(http(), milliseconds(30)), "http://" + place() + "/health: no answer within 30ms");
}

TEST_F(Probing, OfTcpAConnectionIsEnough)
{
    server.listen();
    EXPECT_EQ(check(tcp()), "");
    EXPECT_EQ(check(tcp("localhost")), "");
}

TEST_F(Probing, LocalhostIsAlsoThatOfIPv6)
{
    Answering six(loop, AF_INET6);
    if (six.port == 0) GTEST_SKIP() << "no IPv6 here";
    six.listen();
    EXPECT_EQ(check({HealthTarget::Kind::Tcp, "::1", six.port, "", ""}), "");
    EXPECT_EQ(check({HealthTarget::Kind::Tcp, "localhost", six.port, "", ""}), "");
}

TEST_F(Probing, OneThatIsNotWantedAnyMoreTellsNothing)
{
    server.listen();
    server.answer = "HTTP/1.1 200 OK\r\n\r\n";
    bool told = false;
    {
        const Probe probe(loop, http(), nullptr, std::chrono::seconds(20), [&](const base::Result<void>&) { told = true; });
        loop.run_once(milliseconds(0));
    }
    EXPECT_EQ(check(http()), "");
    EXPECT_FALSE(told);
}

/// The user of the connection to `port` of 127.0.0.1, as the kernel counts it: proc(5), net/tcp.
std::optional<unsigned> user_of_connection(std::uint16_t port)
{
    std::ifstream table("/proc/self/net/tcp");
    std::string line;
    std::getline(table, line);
    std::array<char, 16> wanted{};
    std::snprintf(wanted.data(), wanted.size(), "0100007F:%04X", port);
    while (std::getline(table, line)) {
        std::istringstream words(line);
        std::string number, local, remote, state, queues, timer, retransmits;
        unsigned user = 0;
        words >> number >> local >> remote >> state >> queues >> timer >> retransmits >> user;
        if (remote == wanted.data()) return user;
    }
    return std::nullopt;
}

TEST_F(Probing, TheConnectionIsOfTheUserWhoseAppItIs)
{
    if (::geteuid() != 0) GTEST_SKIP() << "only root can act for others";
    server.listen();
    server.hang_up = false;
    const auto user = std::make_shared<const model::Identity>(model::Identity{65534, 65534, {}});
    const Probe probe(loop, tcp(), user, std::chrono::seconds(20), [](const base::Result<void>&) {});
    EXPECT_EQ(user_of_connection(server.port), 65534U);
}

/// In a network of its own, whose only port is `port`.
bool has_one_port(int port)
{
    if (::unshare(CLONE_NEWNET) < 0) return false;
    std::ofstream("/proc/sys/net/ipv4/ip_local_port_range") << port << ' ' << port << std::endl;
    const base::Fd any(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ifreq loopback{};
    std::snprintf(loopback.ifr_name, sizeof loopback.ifr_name, "lo");
    loopback.ifr_flags = IFF_UP;
    return ::ioctl(any.get(), SIOCSIFFLAGS, &loopback) == 0;
}

TEST(ProbingOneself, IsNoSuccess)
{
    constexpr int kSkip = 77;
    const pid_t child = ::fork();
    if (child == 0) {
        constexpr std::uint16_t kPort = 40'000;
        if (!has_one_port(kPort)) ::_exit(kSkip);
        EventLoop loop;
        std::string told;
        const Probe probe(loop, {HealthTarget::Kind::Tcp, "127.0.0.1", kPort, "", ""}, nullptr, std::chrono::seconds(5),
                          [&](const base::Result<void>& result) { told = result ? "connected with itself" : result.error().message; });
        while (told.empty()) loop.run_once(milliseconds(50));
        ::_exit(told == "127.0.0.1:40000: Connection refused" ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    if (WEXITSTATUS(status) == kSkip) GTEST_SKIP() << "no network of its own to be had";
    EXPECT_EQ(status, 0);
}

TEST(HttpStatus, IsInTheFirstLine)
{
    EXPECT_EQ(http_status("HTTP/1.1 200 OK"), 200);
    EXPECT_EQ(http_status("HTTP/1.0 503"), 503);
    for (const char* line : {"", "HTTP/1.1", "HTTP/1.1 20", "HTTP/1.1 2000 x", "HTTP/1.1 099 x", "HTTP/1.1 -20 x", "HTTP/2 200", "http/1.1 200 OK", "HTTP/1.1200 OKAY"})
        EXPECT_EQ(http_status(line), 0) << line;
}

} // namespace
} // namespace pm::io::test
