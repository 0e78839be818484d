// SPDX-License-Identifier: Apache-2.0
// pm-exec as the process of a transient unit: what it needs comes over its stdin. And what systemd says of a unit's end.
#include "launch/pm-exec/sockets.hpp"
#include "launch/process/orders.hpp"
#include "launch/process/talk.hpp"
#include "launch/systemd/unit_result.hpp"
#include "launch/wire.hpp"

#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace pm::launch {
namespace {

using model::ExitInfo;

/// Waits until there is something to read, or the other end is gone.
void await(int fd)
{
    pollfd wish{fd, POLLIN, 0};
    ASSERT_EQ(::poll(&wish, 1, 30'000), 1);
}

void send_fds(int socket, char which, std::initializer_list<int> fds)
{
    alignas(cmsghdr) char control[CMSG_SPACE(3 * sizeof(int))] = {};
    iovec piece{&which, 1};
    msghdr message{};
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(fds.size() * sizeof(int));
    cmsghdr* head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(fds.size() * sizeof(int));
    std::memcpy(CMSG_DATA(head), std::data(fds), fds.size() * sizeof(int));
    ASSERT_EQ(::sendmsg(socket, &message, 0), 1);
}

struct InUnit : ::testing::Test {
    model::AppSpec spec;
    std::string path = "/usr/bin:/bin";
    std::optional<model::ResourceLimit> nofile;
    Account account;
    SocketEnds talk = *make_socket_pair();
    int talk_fd = talk.ours.get();
    Talk ours;
    pid_t child = 0;
    base::Fd out;
    std::vector<int> sockets;
    engine::ChannelEnds channel;
    bool pmd_is_gone = false; ///< before the process begins

    InUnit()
    {
        spec.name = "web";
        spec.script = "/bin/sh";
        spec.interpreter = "none";
        spec.cwd = "/";
    }

    /// Starts pm-exec as systemd would: with its own environment, stdin a socket of which others hold a copy.
    void start()
    {
        auto invitation = make_socket_pair();
        ASSERT_TRUE(invitation);
        int pipe[2];
        ASSERT_EQ(::pipe2(pipe, O_CLOEXEC), 0);
        out = base::Fd(pipe[0]);
        const base::Fd write_end(pipe[1]);
        const int on = 1;
        ASSERT_EQ(::setsockopt(talk.ours.get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof on), 0);
        const engine::LaunchRequest request{.key = {base::InstanceId{1}, base::Generation{1}}, .spec = std::make_shared<model::AppSpec>(spec)};
        ours.begin(std::move(talk.ours), *make_orders(request, {account, false, true, path, nofile, channel, true}), true, sockets);
        send_fds(invitation->ours.get(), wire::kUnitOut, {talk.theirs.get(), write_end.get()});
        if (pmd_is_gone) ours.end();
        child = ::fork();
        if (child == 0) {
            ::dup2(invitation->theirs.get(), 0);
            ::dup2(::open("/dev/null", O_WRONLY), 1);
            ::dup2(1, 2);
            char* environment[] = {const_cast<char*>("STATE_DIRECTORY=/var/lib/web"), const_cast<char*>("MEMORY_PRESSURE_WATCH=/watch"), const_cast<char*>("LEAKED=1"),
                                   const_cast<char*>("USER=made-up"), nullptr};
            char* arguments[] = {const_cast<char*>(PM_EXEC), nullptr};
            ::execve(PM_EXEC, arguments, environment);
            ::_exit(99);
        }
        kept_ = std::move(invitation->theirs); // systemd keeps it open as long as the unit is loaded
        talk.theirs.reset();
    }
    Talk::Heard hear()
    {
        await(talk_fd);
        return ours.read();
    }
    std::string said() const
    {
        std::string text;
        char piece[512];
        for (ssize_t got = 0; (got = ::read(out.get(), piece, sizeof piece)) > 0;) text.append(piece, static_cast<std::size_t>(got));
        return text;
    }
    int status() const
    {
        int status = 0;
        ::waitpid(child, &status, 0);
        return status;
    }

private:
    base::Fd kept_;
};

TEST_F(InUnit, GreetsAndBecomesTheAppWithWhatCameOverItsStdin)
{
    spec.args = {"-c", "echo $STATE_DIRECTORY $MEMORY_PRESSURE_WATCH $USER $LEAKED $OWN; ls /proc/self/fd | wc -l"};
    spec.env = {{"OWN", "mine"}};
    start();
    ASSERT_EQ(hear(), Talk::Heard::Hello);
    EXPECT_EQ(ours.pid(), child);
    ASSERT_EQ(hear(), Talk::Heard::Running) << "its end of the talk closes at execve, whoever holds its stdin";
    EXPECT_EQ(said(), "/var/lib/web /watch made-up mine\n4\n"); // 0, 1, 2 and the directory that ls reads
    EXPECT_EQ(status(), 0);
}

TEST_F(InUnit, TheListenerOfItsFilterComesBehindTheGreeting)
{
    channel.bind_notifications = true;
    spec.args = {"-c", "ls /proc/self/fd | wc -l"};
    start();
    ASSERT_EQ(hear(), Talk::Heard::Hello);
    const Talk::Heard heard = hear();
    if (heard == Talk::Heard::Failed) GTEST_SKIP() << ours.failure().detail;
    ASSERT_EQ(heard, Talk::Heard::Filter);
    EXPECT_TRUE(ours.listener());
    ASSERT_EQ(hear(), Talk::Heard::Running);
    EXPECT_EQ(said(), "4\n");
    EXPECT_EQ(status(), 0);
}

TEST_F(InUnit, AFailureMayComeBehindTheListener)
{
    channel.bind_notifications = true;
    spec.script = "/nonexistent/program";
    start();
    ASSERT_EQ(hear(), Talk::Heard::Hello);
    Talk::Heard heard = hear();
    if (heard == Talk::Heard::Filter) heard = hear();
    ASSERT_EQ(heard, Talk::Heard::Failed);
    EXPECT_TRUE(ours.failure().code == ENOENT || ours.failure().stage == model::LaunchStage::Filter) << ours.failure().detail;
    status();
}

TEST_F(InUnit, SocketsComeWithTheOrders)
{
    const base::Fd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    const base::Fd zero(::open("/dev/zero", O_RDONLY | O_CLOEXEC));
    sockets = {zero.get(), null.get()};
    spec.listen = {{.port = 80, .name = "a"}, {.port = 81, .name = "b"}};
    spec.args = {"-c", "readlink /proc/$$/fd/3 /proc/$$/fd/4; ls /proc/self/fd | wc -l; test $LISTEN_PID = $$ && echo mine"};
    start();
    ASSERT_EQ(hear(), Talk::Heard::Hello);
    ASSERT_EQ(hear(), Talk::Heard::Running);
    EXPECT_EQ(said(), "/dev/zero\n/dev/null\n6\nmine\n");
}

/// What the descriptors from 3 on are after sockets that lay at `from` were placed, and what else is open behind them.
std::string placed(const std::vector<int>& from)
{
    const char* devices[] = {"/dev/null", "/dev/zero", "/dev/full"};
    int pipe[2];
    if (::pipe2(pipe, O_CLOEXEC) < 0) return "no pipe";
    const base::Fd read_end(pipe[0]);
    base::Fd write_end(pipe[1]);
    const pid_t child = ::fork();
    if (child == 0) {
        ::dup2(write_end.get(), 1);
        exec::Descriptors sockets;
        for (const int fd : from) {
            const int opened = ::open(devices[sockets.count], O_RDONLY | O_CLOEXEC);
            ::dup3(::fcntl(opened, F_DUPFD_CLOEXEC, 100), fd, O_CLOEXEC); // `opened` may be where another is to lie
            sockets.fds[sockets.count++] = fd;
        }
        exec::place_sockets(sockets);
        ::execl("/bin/sh", "sh", "-c", "readlink /proc/$$/fd/3 /proc/$$/fd/4 /proc/$$/fd/5; ls /proc/self/fd | wc -l", nullptr);
        ::_exit(99);
    }
    write_end.reset();
    std::string text;
    char piece[512];
    for (ssize_t got = 0; (got = ::read(read_end.get(), piece, sizeof piece)) > 0;) text.append(piece, static_cast<std::size_t>(got));
    ::waitpid(child, nullptr, 0);
    return text;
}

TEST(PlacingSockets, KeepsTheirOrderWhereverTheyLie)
{
    const std::string right = "/dev/null\n/dev/zero\n/dev/full\n7\n"; // 0 to 5, and the directory that ls reads
    EXPECT_EQ(placed({3, 4, 5}), right);
    EXPECT_EQ(placed({20, 21, 22}), right);
    EXPECT_EQ(placed({4, 5, 3}), right);
    EXPECT_EQ(placed({5, 4, 3}), right);
    EXPECT_EQ(placed({2, 3, 4}), "/dev/null\n/dev/zero\n/dev/full\n6\n"); // its own place is closed at execve
}

TEST_F(InUnit, FewerSocketsThanTheOrdersSayAreNone)
{
    const base::Fd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    sockets = {null.get()};
    spec.listen = {{.port = 80, .name = "a"}, {.port = 81, .name = "b"}};
    start();
    ASSERT_EQ(hear(), Talk::Heard::Hello);
    ASSERT_EQ(hear(), Talk::Heard::Failed);
    EXPECT_EQ(ours.failure().detail, "reading the orders of pmd: Bad message");
}

TEST_F(InUnit, AReportRightBehindTheGreetingIsHeard)
{
    spec.cwd = "/no/such/directory";
    start();
    EXPECT_EQ(WEXITSTATUS(status()), 127); // both lie in the socket now
    ASSERT_EQ(hear(), Talk::Heard::Hello);
    ASSERT_EQ(hear(), Talk::Heard::Failed);
    EXPECT_EQ(ours.failure().detail, "changing to directory '/no/such/directory': No such file or directory");
}

TEST_F(InUnit, WithoutPmdNothingIsExecuted)
{
    spec.args = {"-c", "echo I ran"};
    pmd_is_gone = true;
    start();
    EXPECT_EQ(said(), "");
    EXPECT_EQ(WEXITSTATUS(status()), wire::kNobodyThere);
}

TEST(UnitResult, TellsEndsApart)
{
    struct Row {
        UnitResult result;
        bool ran;
        std::string told;
    };
    const Row rows[] = {
        {{"success", CLD_EXITED, 0, 0}, true, "exit code 0"},
        {{"exit-code", CLD_EXITED, 217, 0}, true, "exit code 217"}, // the app's own
        {{"exit-code", CLD_EXITED, 3, 0}, false, "exit code 3"},
        {{"signal", CLD_KILLED, SIGSEGV, 0}, true, "SIGSEGV"},
        {{"core-dump", CLD_DUMPED, SIGABRT, 0}, true, "SIGABRT (core dumped)"},
        {{"oom-kill", CLD_KILLED, SIGKILL, 0}, true, "SIGKILL (out of memory)"},
        {{"watchdog", CLD_DUMPED, SIGABRT, 0}, true, "SIGABRT (core dumped)"},
        {{"timeout", CLD_KILLED, SIGKILL, 0}, true, "SIGKILL (timeout)"},
        {{"success", 0, 0, 0}, true, "ended unseen"},
        {{"resources", 0, 0, 0}, false, "systemd could not start it (result 'resources')"},
    };
    for (const Row& row : rows) EXPECT_EQ(model::describe(exit_of(row.result, row.ran)), row.told) << row.result.result;
    const ExitInfo user = exit_of({"exit-code", CLD_EXITED, 217, 0}, false);
    EXPECT_EQ(user.kind, ExitInfo::Kind::LaunchFailed);
    EXPECT_EQ(user.stage, model::LaunchStage::User);
    EXPECT_EQ(exit_of({"exit-code", CLD_EXITED, 226, 0}, false).detail.find("setting up the sandbox"), 0U);
}

} // namespace
} // namespace pm::launch
