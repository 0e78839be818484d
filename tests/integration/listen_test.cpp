// SPDX-License-Identifier: Apache-2.0
// Held sockets: who gets them, what stays open, what is closed.
#include "fixture.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace pm::test {
namespace {

/// Answers each connection and each packet with its slot and pid. With GATE it waits for a line of that pipe first.
constexpr const char* kServer = R"(import os, select, socket
if "GATE" in os.environ:
    os.read(os.open(os.environ["GATE"], os.O_RDONLY), 1)
assert int(os.environ["LISTEN_PID"]) == os.getpid()
fds = range(3, 3 + int(os.environ["LISTEN_FDS"]))
sockets = [socket.socket(fileno=fd) for fd in fds]
print("serving", flush=True)
answer = f"{os.environ['PM_INSTANCE']} {os.getpid()}\n".encode()
while True:
    for one in select.select(sockets, [], [])[0]:
        try:
            if one.type == socket.SOCK_DGRAM:
                one.sendto(answer, one.recvfrom(64)[1])
            else:
                connection = one.accept()[0]
                connection.sendall(answer)
                connection.close()
        except BlockingIOError:
            pass
)";

class Listen : public DaemonTest {
protected:
    void SetUp() override
    {
        DaemonTest::SetUp();
        dir_.write("server.py", kServer);
    }
    /// An app of `listen`, a value of YAML, whose instances accept already.
    void serve(const std::string& listen, const std::string& more = "") { load(file(listen, more)); }
    static std::string file(const std::string& listen, const std::string& more = "")
    {
        return fmt::format("apps: [{{name: web, script: server.py, interpreter: python3, listen: {}{}}}]", listen, more);
    }
    static sockaddr_in loopback(int port)
    {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(static_cast<uint16_t>(port));
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        return address;
    }
    /// A connection; invalid with errno.
    static base::Fd connect_to(int port)
    {
        base::Fd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        const sockaddr_in address = loopback(port);
        if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0) fd = base::Fd();
        return fd;
    }
    static std::string ask(int port)
    {
        const base::Fd fd = connect_to(port);
        return fd ? answer(fd) : std::strerror(errno);
    }
    /// The line "slot pid".
    static std::string answer(const base::Fd& fd) { return read_until(fd.get(), " "); }
    static std::string line(const Instance& instance) { return fmt::format("{} {}", instance.slot, instance.pid); }
    /// The socket behind a descriptor of a process.
    static std::string socket_of(pid_t pid, int fd)
    {
        return std::filesystem::read_symlink(fmt::format("/proc/{}/fd/{}", pid, fd));
    }

    int port_ = free_port();
};

TEST_F(Listen, InstancesShareOnePort)
{
    serve(std::to_string(port_), ", instances: 2");
    const auto both = list("web");
    ASSERT_EQ(both.size(), 2U);
    EXPECT_EQ(socket_of(both[0].pid, 3), socket_of(both[1].pid, 3));
    manager_->Stop(std::to_string(both[1].id), {});
    EXPECT_EQ(ask(port_), line(both[0]));
    manager_->Start(std::to_string(both[1].id), {});
    manager_->Stop(std::to_string(both[0].id), {});
    EXPECT_EQ(ask(port_), line(list("web")[1]));
}

TEST_F(Listen, AConnectionMadeDuringARestartWaitsAndIsAnswered)
{
    const std::string gate = dir_.path() + "/gate";
    ASSERT_EQ(mkfifo(gate.c_str(), 0600), 0);
    const base::Fd open_it(open(gate.c_str(), O_RDWR | O_CLOEXEC));
    ASSERT_EQ(write(open_it.get(), "12", 2), 2);
    serve(std::to_string(port_), fmt::format(", instances: 2, env: {{GATE: {}}}", gate));
    const auto before = list("web");
    EXPECT_EQ(ask(port_).empty(), false);

    manager_->Restart("web", {}); // both are new, and behind the gate
    std::vector<base::Fd> waiting;
    for (int i = 0; i < 20; ++i) waiting.push_back(connect_to(port_));
    pollfd early{waiting[0].get(), POLLIN, 0};
    EXPECT_EQ(poll(&early, 1, 0), 0) << "nobody is there yet";
    ASSERT_EQ(write(open_it.get(), "1", 1), 1);
    for (const base::Fd& one : waiting) {
        ASSERT_TRUE(one);
        const std::string said = answer(one);
        EXPECT_TRUE(said == line(list("web")[0]) || said == line(list("web")[1])) << said;
    }
    EXPECT_NE(list("web")[0].pid, before[0].pid);
}

TEST_F(Listen, ABusyPortLeavesWhatRunsAlone)
{
    serve(std::to_string(port_));
    const Instance before = only("web");
    const base::Fd busy(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const int other = free_port();
    const sockaddr_in address = loopback(other);
    ASSERT_EQ(bind(busy.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    ASSERT_EQ(listen(busy.get(), 1), 0);
    const auto error = error_of([&] { serve(fmt::format("[{}, {}]", port_, other), ", env: {A: 1}"); });
    EXPECT_EQ(error.getName(), "org.pmd1.Error.ListenFailed");
    EXPECT_EQ(
        error.getMessage(),
        fmt::format("app 'web': listening on *:{0}: in use by another program ('ss -ltnp sport = :{0}' shows which)", other));
    EXPECT_EQ(only("web").pid, before.pid);
    EXPECT_EQ(ask(port_), line(before));
}

TEST_F(Listen, AStartThatFindsThePortBusyIsAFailedLaunch)
{
    serve(fmt::format("127.0.0.1:{}", port_));
    manager_->Stop("web", {});
    base::Fd busy(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const int on = 1;
    setsockopt(busy.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    const sockaddr_in address = loopback(port_);
    ASSERT_EQ(bind(busy.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0) << "a stop frees it";
    ASSERT_EQ(listen(busy.get(), 1), 0);
    EXPECT_EQ(error_of([&] { manager_->Start("web", {}); }).getName(), "org.pmd1.Error.LaunchFailed");
    EXPECT_NE(only("web").reason.find("in use by another program"), std::string::npos) << only("web").reason;
    EXPECT_EQ(only("web").status, "errored");
    busy.reset();
    manager_->Start("web", {});
    EXPECT_EQ(ask(port_), line(only("web")));
}

TEST_F(Listen, AChangedListKeepsTheSocketThatIsInBoth)
{
    const int gone = free_port(), fresh = free_port();
    serve(fmt::format("[{}, {}]", gone, port_));
    const Instance before = only("web");
    const std::string kept = socket_of(before.pid, 4);
    serve(fmt::format("[{}, {{address: {}, backlog: 7}}]", port_, fresh));
    const Instance after = only("web");
    EXPECT_NE(after.pid, before.pid);
    EXPECT_EQ(socket_of(after.pid, 3), kept);
    EXPECT_EQ(ask(port_), line(after));
    EXPECT_EQ(ask(fresh), line(after));
    EXPECT_EQ(ask(gone), std::strerror(ECONNREFUSED));
}

/// A program may remove the path of what it was given, as it would its own.
TEST_F(Listen, APathThatSomebodyRemovesIsPutBack)
{
    serve("'unix:web.sock'");
    const std::string path = dir_.path() + "/web.sock";
    for (int time = 0; time < 3; ++time) {
        ASSERT_TRUE(std::filesystem::remove(path));
        ask_until([&] { return std::filesystem::is_socket(path); }, "the path");
    }
    manager_->Delete("web", {});
    EXPECT_FALSE(std::filesystem::exists(path));
    EXPECT_FALSE(std::filesystem::exists(dir_.path() + "/.web.sock.pmd"));
}

TEST_F(Listen, AStopClosesWhatIsHeldAndAStartOpensItAgain)
{
    serve(fmt::format("[{}, 'unix:web.sock']", port_));
    const std::string path = dir_.path() + "/web.sock";
    EXPECT_TRUE(std::filesystem::is_socket(path));
    manager_->Stop("web", {});
    EXPECT_EQ(ask(port_), std::strerror(ECONNREFUSED));
    EXPECT_FALSE(std::filesystem::exists(path));
    manager_->Start("web", {});
    EXPECT_EQ(ask(port_), line(only("web")));
    EXPECT_TRUE(std::filesystem::is_socket(path));
    manager_->Delete("web", {});
    EXPECT_EQ(ask(port_), std::strerror(ECONNREFUSED));
    EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(Listen, APathHasItsPermissionsAndIsAnswered)
{
    serve("[{address: 'unix:web.sock', mode: 0606, name: http}]");
    const std::string path = dir_.path() + "/web.sock";
    struct stat status {};
    ASSERT_EQ(stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0606U);
    EXPECT_EQ(status.st_uid, geteuid());
    const base::Fd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    ASSERT_EQ(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(answer(fd), line(only("web")));
}

TEST_F(Listen, PacketsWaitOverARestartToo)
{
    serve(fmt::format("'udp://127.0.0.1:{}'", port_));
    const base::Fd fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const sockaddr_in address = loopback(port_);
    ASSERT_EQ(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    ASSERT_EQ(send(fd.get(), "hi", 2, 0), 2);
    EXPECT_EQ(answer(fd), line(only("web")));
    manager_->Restart("web", {}); // Python is not as far yet
    ASSERT_EQ(send(fd.get(), "hi", 2, 0), 2);
    EXPECT_EQ(answer(fd), line(only("web")));
}

TEST_F(Listen, TheVariablesTellOfTheSockets)
{
    serve(fmt::format("[{{address: {}, name: http}}, 'unix:web.sock']", port_));
    const Instance web = only("web");
    const auto all = environment(web.id);
    EXPECT_EQ(all.at("LISTEN_FDS"), "2");
    EXPECT_EQ(all.at("LISTEN_PID"), std::to_string(web.pid));
    EXPECT_EQ(all.at("LISTEN_FDNAMES"), "http:web.sock");
    EXPECT_EQ(all.at("EINHORN_FD_COUNT"), "2");
    EXPECT_EQ(all.at("EINHORN_FD_1"), "4");
    EXPECT_EQ(all.at("SERVER_STARTER_PORT"), fmt::format("{}=3;{}/web.sock=4", port_, dir_.path()));
}

TEST_F(Listen, PmdLeavesNoPathBehind)
{
    if (on_systemd()) GTEST_SKIP() << "apps of systemd outlive pmd, and so do their sockets";
    serve("'unix:web.sock'");
    end_daemon(SIGTERM);
    EXPECT_FALSE(std::filesystem::exists(dir_.path() + "/web.sock"));
}

} // namespace
} // namespace pm::test
