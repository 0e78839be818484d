// SPDX-License-Identifier: Apache-2.0
// The filter by which pmd hears of bind() and listen(): asked for, installed, its listener handed over.
#include "world.hpp"

#include <cerrno>
#include <cstring>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace pm::launch::test {
namespace {

/// Installs a filter that lets everything pass, with a listener; its number or -errno.
int supervise_nothing()
{
    sock_filter pass = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    const sock_fprog program{1, &pass};
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    const long fd = ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
    return fd < 0 ? -errno : static_cast<int>(fd);
}

/// What `work` returns in a child.
template <typename Work>
int in_child(Work work)
{
    const pid_t child = ::fork();
    if (child == 0) ::_exit(work());
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

class Filtering : public Launching {
protected:
    void SetUp() override
    {
        Launching::SetUp();
        if (IsSkipped()) return;
        const int why = in_child([] {
            const int result = supervise_nothing();
            return result < 0 ? -result : 0;
        });
        if (why != 0) GTEST_SKIP() << "no seccomp user notification here: " << std::strerror(why);
        world.filters.wanted = true;
    }

    /// Lets system calls go on until the process is gone; their numbers.
    std::vector<int> calls_of(engine::ProcessKey key)
    {
        std::vector<int> calls;
        world.until([&] {
            const auto found = world.filters.listeners.find(key);
            pollfd ready{found == world.filters.listeners.end() ? -1 : found->second.get(), POLLIN, 0};
            seccomp_notif notice{};
            if (::poll(&ready, 1, 0) == 1 && (ready.revents & POLLIN) != 0 &&
                ::ioctl(ready.fd, SECCOMP_IOCTL_NOTIF_RECV, &notice) == 0) {
                calls.push_back(notice.data.nr);
                seccomp_notif_resp answer{notice.id, 0, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE};
                ::ioctl(ready.fd, SECCOMP_IOCTL_NOTIF_SEND, &answer);
            }
            return world.told(key).gone.has_value();
        });
        return calls;
    }
};

constexpr const char* kServer = "import socket\n"
                                "s = socket.socket()\n"
                                "s.bind(('127.0.0.1', 0))\n"
                                "s.listen()\n"
                                "print(open('/proc/self/status').read())\n";

TEST_P(Filtering, pmd_hears_of_bind_and_listen_before_they_happen)
{
    const auto key = world.launch(spec_of(world.write("server.py", kServer)));
    EXPECT_EQ(calls_of(key), (std::vector<int>{SYS_bind, SYS_listen}));
    EXPECT_EQ(world.told(key).running, 1);
    EXPECT_EQ(world.told(key).gone->code, 0) << world.text(key);
}

TEST_P(Filtering, a_pmd_that_is_root_takes_no_rights_from_a_program)
{
    auto spec = spec_of(world.write("server.py", kServer));
    const bool root = ::geteuid() == 0;
    if (root) spec.user = "nobody";
    const auto key = world.launch(spec);
    EXPECT_EQ(calls_of(key).size(), 2U);
    EXPECT_NE(world.text(key).find(root ? "NoNewPrivs:\t0" : "NoNewPrivs:\t1"), std::string::npos) << world.text(key);
}

TEST_P(Filtering, the_program_gets_no_descriptor_of_it)
{
    std::string text;
    world.run(spec_of("ls", {"/proc/self/fd"}), &text);
    EXPECT_EQ(text, "0\n1\n2\n3\n");
}

TEST_P(Filtering, a_program_that_is_not_there_is_told_as_without_it)
{
    const auto exit = world.run(spec_of("/nonexistent/program"));
    EXPECT_EQ(exit.kind, model::ExitInfo::Kind::LaunchFailed);
    EXPECT_EQ(exit.code, ENOENT);
}

TEST_P(Filtering, of_programs_that_did_not_ask_nobody_hears)
{
    world.filters.wanted = false;
    std::string text;
    world.run(shell("grep Seccomp: /proc/self/status"), &text);
    EXPECT_EQ(text, in_child([] { return supervise_nothing() < 0; }) == 0 ? "Seccomp:\t0\n" : text);
    EXPECT_TRUE(world.filters.listeners.empty());
}

TEST_P(Filtering, under_another_supervisor_the_launch_fails_and_says_why)
{
    const int code = in_child([] {
        if (supervise_nothing() < 0) return 1;
        World supervised(false);
        supervised.filters.wanted = true;
        const auto exit = supervised.run(spec_of("true"));
        if (exit.kind != model::ExitInfo::Kind::LaunchFailed || exit.stage != model::LaunchStage::Filter) return 2;
        return exit.detail.find("another supervisor hears of its system calls already") == std::string::npos ? 3 : 0;
    });
    EXPECT_EQ(code, 0);
}

} // namespace

INSTANTIATE_TEST_SUITE_P(Trees, Filtering, testing::Bool(),
                         [](const auto& row) { return row.param ? "cgroups" : "process_trees"; });

} // namespace pm::launch::test
