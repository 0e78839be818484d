// SPDX-License-Identifier: Apache-2.0
#include "channel/listening_sockets.hpp"
#include "channel/listening_watch.hpp"
#include "heard.hpp"
#include "sockets_world.hpp"

#include <csignal>
#include <functional>
#include <sys/wait.h>

namespace pm::channel::test {
namespace {

using engine::ProcessKey;

constexpr ProcessKey kKey{base::InstanceId{1}, base::Generation{1}};

TEST(ListeningSockets, AreReadFromTheLinesOfTheKernel)
{
    EXPECT_EQ(listening_tcp("   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 51234 1 0000000000000000 100 0 0 10 0"), 51234U);
    EXPECT_FALSE(listening_tcp("   1: 0100007F:1F90 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 51235 1 0000000000000000"));
    EXPECT_FALSE(listening_tcp("  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode"));
    EXPECT_FALSE(listening_tcp(""));
    EXPECT_EQ(listening_unix("0000000000000000: 00000002 00000000 00010000 0001 01 16511 /run/x.sock"), 16511U);
    EXPECT_EQ(listening_unix("0000000000000000: 00000002 00000000 00010000 0005 01 16512"), 16512U);
    EXPECT_FALSE(listening_unix("0000000000000000: 00000003 00000000 00000000 0001 03 16513 /run/x.sock"));
    EXPECT_FALSE(listening_unix("Num       RefCount Protocol Flags    Type St Inode Path"));
    EXPECT_FALSE(listening_unix("0000000000000000: 00000002"));
}

/// A process with nothing open but the pipe that it may read from, as fd 3.
pid_t start(int pipe, const std::function<void()>& body)
{
    const pid_t pid = ::fork();
    if (pid != 0) return pid;
    ::dup2(pipe, 3);
    ::close_range(4, ~0U, 0);
    body();
    for (;;) ::pause();
}

class Listening : public ::testing::Test {
protected:
    Listening()
    {
        std::string pattern = (std::filesystem::temp_directory_path() / "pm-listen-XXXXXX").string();
        directory = ::mkdtemp(pattern.data());
        watch.set_events(heard);
        EXPECT_EQ(::pipe2(go, O_CLOEXEC), 0);
        const SocketAddress address = at("other");
        EXPECT_EQ(::bind(other.get(), address.get(), address.size), 0);
        EXPECT_EQ(::listen(other.get(), 1), 0);
        main = start(go[0], [] {});
    }
    ~Listening() override
    {
        for (const int fd : go) ::close(fd);
        for (const pid_t pid : {main, child}) {
            if (pid == 0) continue;
            ::kill(pid, SIGKILL);
            ::waitpid(pid, nullptr, 0);
        }
        std::filesystem::remove_all(directory);
    }
    SocketAddress at(const std::string& name) const { return to_kernel(ListenAddress{.kind = Kind::Path, .host = directory + "/" + name}); }
    /// A second process of the app, which makes a socket, and listens when it is told to.
    void start_child(const SocketAddress& address)
    {
        child = start(go[0], [&] {
            char byte = 0;
            const int fd = ::socket(address.family(), SOCK_STREAM, 0);
            if (::bind(fd, address.get(), address.size) < 0 || ::read(3, &byte, 1) != 1 || ::listen(fd, 1) < 0) ::_exit(1);
        });
    }
    void look_at_main(std::optional<model::ReadyWhen> ready = model::ReadyWhen::Listening)
    {
        auto spec = std::make_shared<model::AppSpec>();
        spec->serving.ready = ready;
        ASSERT_TRUE(watch.connect({.key = kKey, .slot = {}, .spec = spec}, {}));
        watch.runs(kKey, main);
    }
    void expect_told_when_it_listens()
    {
        ASSERT_TRUE(run_until(loop, [&] { return looks >= 3; }));
        EXPECT_TRUE(heard.of.empty());
        ASSERT_EQ(::write(go[1], "x", 1), 1);
        ASSERT_TRUE(run_until(loop, [&] { return !heard.of.empty(); }));
        EXPECT_EQ(heard.of[kKey], std::vector<std::string>{"ready by listening"});
        const int before = looks;
        loop.run_once(std::chrono::milliseconds(250));
        EXPECT_EQ(looks, before) << "it is not looked at any more";
    }

    std::string directory;
    int go[2]{};
    io::EventLoop loop;
    Heard heard;
    pid_t main = 0;
    pid_t child = 0;
    int looks = 0;
    base::Fd other{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)}; ///< somebody else always listens
    ListeningWatch watch{loop,
                         [this](ProcessKey) {
                             ++looks;
                             return std::vector<pid_t>{main, child};
                         },
                         [](const std::string& text) { ADD_FAILURE() << text; },
                         [](const model::AppSpec& spec) { return spec.name != "alone"; }};
};

TEST_F(Listening, OnTcpIsSeenInAnyOfItsProcesses)
{
    start_child(any_of_ip4(0));
    look_at_main();
    expect_told_when_it_listens();
}

TEST_F(Listening, OnTcpOfIPv6IsSeen)
{
    start_child(to_kernel({.kind = Kind::Any}));
    look_at_main();
    expect_told_when_it_listens();
}

TEST_F(Listening, OnAPathIsSeen)
{
    start_child(at("mine"));
    look_at_main();
    expect_told_when_it_listens();
}

/// Who was to hear it of the kernel may have died meanwhile.
TEST_F(Listening, OfWhatAnEarlierPmdLaunchedIsLookedForThoughNobodyAsked)
{
    start_child(any_of_ip4(0));
    const auto spec = std::make_shared<model::AppSpec>();
    watch.reconnect({.key = kKey, .slot = {}, .spec = spec}, {});
    watch.runs(kKey, main);
    expect_told_when_it_listens();
}

TEST_F(Listening, ButNotOfAnAppThatSharesNothing)
{
    const auto spec = std::make_shared<model::AppSpec>();
    spec->name = "alone";
    watch.reconnect({.key = kKey, .slot = {}, .spec = spec}, {});
    watch.runs(kKey, main);
    loop.run_once(std::chrono::milliseconds(50));
    EXPECT_EQ(looks, 0);
}

TEST_F(Listening, ButNotForLongerThanItMayTake)
{
    const auto spec = std::make_shared<model::AppSpec>();
    spec->serving.listen_timeout = std::chrono::milliseconds(1);
    watch.reconnect({.key = kKey, .slot = {}, .spec = spec}, {});
    watch.runs(kKey, main);
    ASSERT_TRUE(run_until(loop, [&] { return looks == 1; }));
    loop.run_once(std::chrono::milliseconds(250));
    EXPECT_EQ(looks, 1);
    EXPECT_TRUE(heard.of.empty());
}

TEST_F(Listening, IsNotLookedForAfterTheEndOrWhenNobodyAsked)
{
    start_child(any_of_ip4(0));
    look_at_main(std::nullopt);
    look_at_main(model::ReadyWhen::Notify);
    loop.run_once(std::chrono::milliseconds(50));
    EXPECT_EQ(looks, 0);
    look_at_main();
    ASSERT_TRUE(run_until(loop, [&] { return looks == 1; }));
    watch.ended(kKey);
    loop.run_once(std::chrono::milliseconds(50));
    EXPECT_EQ(looks, 1);
}

} // namespace
} // namespace pm::channel::test
