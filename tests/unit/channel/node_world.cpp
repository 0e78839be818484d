// SPDX-License-Identifier: Apache-2.0
#include "node_world.hpp"

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>

namespace pm::channel::test {
namespace {

constexpr auto kMostWait = std::chrono::seconds(20);

std::string request_on(base::Fd fd, const sockaddr* address, socklen_t size)
{
    const timeval most{10, 0};
    ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &most, sizeof most);
    if (::connect(fd.get(), address, size) < 0) return "error: connect: " + std::to_string(errno);
    const std::string request = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    if (::send(fd.get(), request.data(), request.size(), MSG_NOSIGNAL) < 0) return "error: send: " + std::to_string(errno);
    std::string answer;
    char buffer[4096];
    ssize_t got = 0;
    while ((got = ::recv(fd.get(), buffer, sizeof buffer, 0)) > 0) answer.append(buffer, static_cast<std::size_t>(got));
    if (got < 0) return "error: recv: " + std::to_string(errno);
    const auto body = answer.find("\r\n\r\n");
    return body == std::string::npos ? "error: no answer" : answer.substr(body + 4);
}

sockaddr_in loopback(std::uint16_t port)
{
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

bool has_node()
{
    return std::system("node --version >/dev/null 2>&1") == 0;
}

} // namespace

void FakeStore::store(const std::string& name, int fd)
{
    kept.insert_or_assign(name, base::Fd(::fcntl(fd, F_DUPFD_CLOEXEC, 3)));
}

base::Fd FakeStore::recover(const std::string& name)
{
    const auto found = kept.find(name);
    return found == kept.end() ? base::Fd() : base::Fd(::fcntl(found->second.get(), F_DUPFD_CLOEXEC, 3));
}

NodeWorld::NodeWorld()
{
    std::string pattern = (std::filesystem::temp_directory_path() / "pm-node-XXXXXX").string();
    directory = ::mkdtemp(pattern.data());
    spec.name = "web";
    spec.cwd = directory;
    spec.kill_timeout = model::Milliseconds(5000);
    launch::DirectOptions options;
    options.pm_exec = PM_EXEC;
    options.path = std::getenv("PATH");
    make_channels();
    launcher = std::make_unique<launch::DirectLauncher>(loop, *this, *this, *this, options,
                                                        [this](const std::string& text) { warnings.push_back(text); });
    launcher->set_events(*this);
}

NodeWorld::~NodeWorld()
{
    const auto all_gone = [this] {
        for (const auto& [key, one] : said)
            if (one.launched && !one.gone) return false;
        return true;
    };
    for (const auto& [key, one] : said)
        if (one.launched && !one.gone) launcher->kill(key);
    until(all_gone);
    launcher.reset();
    if (HasFailure()) {
        std::printf("the apps wrote:\n%s\n", output().c_str());
        for (const auto& [key, one] : said)
            std::printf("slot %u: %s %d %s\n", key.id.value, one.running ? "ran" : "never ran", one.exit.code,
                        one.exit.detail.c_str());
        for (const std::string& warning : warnings) std::printf("warned: %s\n", warning.c_str());
    }
    std::filesystem::remove_all(directory);
}

void NodeWorld::SetUp()
{
    if (!has_node()) GTEST_SKIP() << "there is no node in PATH";
}

void NodeWorld::make_channels()
{
    channels.reset();
    channels =
        std::make_unique<NodeChannels>(loop, *this,
                                       NodeOptions{[this](const model::AppSpec&) { return mode; },
                                                   [this](const model::AppSpec&) { return channel; }, drain_script, unheld},
                                       [this](const std::string& text) { warnings.push_back(text); });
    channels->set_events(*this);
    channels->set_depot(store);
}

void NodeWorld::program(const std::string& source, const std::string& name)
{
    spec.script = directory + "/" + name;
    std::ofstream(spec.script) << source;
}

ProcessKey NodeWorld::start(std::uint32_t slot)
{
    const ProcessKey key{base::InstanceId{slot}, base::Generation{++generations[slot]}};
    said[key].launched = true;
    requests[key] = {key, base::Slot{slot}, std::make_shared<model::AppSpec>(spec), true};
    launcher->launch(requests[key]);
    return key;
}

ProcessKey NodeWorld::serve(std::uint32_t slot)
{
    const ProcessKey key = start(slot);
    EXPECT_TRUE(until_ready(key));
    return key;
}

bool NodeWorld::until(const std::function<bool()>& done)
{
    const auto deadline = std::chrono::steady_clock::now() + kMostWait;
    while (!done()) {
        if (std::chrono::steady_clock::now() > deadline) return false;
        loop.run_once(std::chrono::milliseconds(20));
    }
    return true;
}

bool NodeWorld::until_ready(ProcessKey key, ReadyWhen when)
{
    return until([&] { return said[key].ready.contains(when) || said[key].gone; }) && said[key].ready.contains(when);
}

bool NodeWorld::until_gone(ProcessKey key)
{
    return until([&] { return said[key].gone; });
}

void NodeWorld::beside(const std::function<void()>& work, const std::function<void()>& meanwhile)
{
    std::atomic<bool> done = false;
    std::thread worker([&] {
        work();
        done = true;
    });
    meanwhile();
    EXPECT_TRUE(until([&] { return done.load(); }));
    worker.join();
}

std::string NodeWorld::output() const
{
    std::ifstream file(directory + "/output");
    return {std::istreambuf_iterator<char>(file), {}};
}

void NodeWorld::on_gone(ProcessKey key, const model::ExitInfo& exit)
{
    said[key].gone = true;
    said[key].exit = exit;
    channels->ended(key);
}

base::Result<engine::Stdio> NodeWorld::open(const engine::LaunchRequest&, const model::SharedIdentity&)
{
    const auto file = [this] {
        return base::Fd(::open((directory + "/output").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
    };
    return engine::Stdio{file(), file()};
}

std::string get(std::uint16_t port)
{
    const sockaddr_in address = loopback(port);
    return request_on(base::Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)), reinterpret_cast<const sockaddr*>(&address),
                      sizeof address);
}

std::string get(const std::string& path)
{
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    return request_on(base::Fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)), reinterpret_cast<const sockaddr*>(&address),
                      sizeof address);
}

std::uint16_t free_port()
{
    const base::Fd probe(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in6 any{};
    any.sin6_family = AF_INET6;
    EXPECT_EQ(::bind(probe.get(), reinterpret_cast<sockaddr*>(&any), sizeof any), 0);
    socklen_t size = sizeof any;
    EXPECT_EQ(::getsockname(probe.get(), reinterpret_cast<sockaddr*>(&any), &size), 0);
    return ntohs(any.sin6_port);
}

std::string packet(std::uint16_t port, const std::string& text)
{
    const sockaddr_in address = loopback(port);
    const base::Fd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const timeval most{10, 0};
    ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &most, sizeof most);
    ::sendto(fd.get(), text.data(), text.size(), 0, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    char buffer[256];
    const ssize_t got = ::recv(fd.get(), buffer, sizeof buffer, 0);
    return got < 0 ? "error" : std::string(buffer, static_cast<std::size_t>(got));
}

base::Fd listening(std::uint16_t port)
{
    base::Fd fd(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_in6 any{};
    any.sin6_family = AF_INET6;
    any.sin6_port = htons(port);
    EXPECT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr*>(&any), sizeof any), 0);
    EXPECT_EQ(::listen(fd.get(), 16), 0);
    return fd;
}

base::Fd connected(std::uint16_t port)
{
    const sockaddr_in address = loopback(port);
    base::Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const timeval most{10, 0};
    ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &most, sizeof most);
    EXPECT_EQ(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    return fd;
}

bool is_refused(std::uint16_t port)
{
    const sockaddr_in address = loopback(port);
    const base::Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    return ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0 && errno == ECONNREFUSED;
}

std::string ask_again(int fd)
{
    const std::string request = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    if (::send(fd, request.data(), request.size(), MSG_NOSIGNAL) < 0) return "error: send";
    std::string answer;
    while (answer.find("hey") == std::string::npos) {
        char buffer[4096];
        const ssize_t got = ::recv(fd, buffer, sizeof buffer, 0);
        if (got <= 0) return "error: recv after '" + answer + "'";
        answer.append(buffer, static_cast<std::size_t>(got));
    }
    return answer;
}

} // namespace pm::channel::test
