// SPDX-License-Identifier: Apache-2.0
// What a stop ends: everything an app started, however it hid, or its main process alone.
#include "world.hpp"

#include "launch/direct/cgroups.hpp"
#include "launch/process/process_table.hpp"

#include <csignal>
#include <fcntl.h>
#include <fstream>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace pm::launch::test {
namespace {

using Kind = model::ExitInfo::Kind;

/// Starts a child that leaves the session and loses its parent, prints its pid, and goes on.
constexpr const char* kEscape = "(setsid sh -c 'echo $$; exec sleep 1000' &) ; ";

pid_t first_number(World& world, engine::ProcessKey key)
{
    EXPECT_TRUE(world.until_text(key, "\n"));
    const auto found = numbers(world.text(key));
    return found.empty() ? -1 : found[0];
}

TEST_P(Launching, kill_ends_what_left_session_and_parent)
{
    const auto key = world.launch(shell(std::string(kEscape) + "exec sleep 1000"));
    const pid_t escaped = first_number(world, key);
    ASSERT_TRUE(is_alive(escaped));
    world.launcher->kill(key);
    ASSERT_TRUE(world.until_gone(key));
    EXPECT_FALSE(is_alive(escaped));
    EXPECT_EQ(world.told(key).gone->code, SIGKILL);
}

TEST_P(Launching, terminate_reaches_what_left_session_and_parent)
{
    const auto key = world.launch(shell(std::string(kEscape) + "exec sleep 1000"));
    const pid_t escaped = first_number(world, key);
    world.launcher->terminate(key, SIGTERM);
    ASSERT_TRUE(world.until_gone(key));
    EXPECT_FALSE(is_alive(escaped));
}

TEST_P(Launching, tells_when_the_main_process_ends_before_the_others)
{
    const auto key = world.launch(shell(std::string(kEscape) + "read line < " + world.write("line", "x") + "; exit 7"));
    const pid_t escaped = first_number(world, key);
    ASSERT_TRUE(world.until([&] { return world.told(key).main_exit.has_value(); }));
    EXPECT_EQ(world.told(key).main_exit->code, 7);
    EXPECT_FALSE(world.told(key).gone);
    ASSERT_TRUE(is_alive(escaped));
    world.launcher->terminate(key, SIGTERM);
    ASSERT_TRUE(world.until_gone(key));
    EXPECT_EQ(world.told(key).gone->code, 7);
    EXPECT_EQ(world.told(key).gone_count, 1);
    EXPECT_FALSE(is_alive(escaped));
}

TEST_P(Launching, is_gone_when_the_others_end_by_themselves)
{
    const auto fifo = world.path("fifo");
    ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
    const auto key = world.launch(shell("(setsid sh -c 'read x < " + fifo + "' &); exit 0"));
    ASSERT_TRUE(world.until([&] { return world.told(key).main_exit.has_value(); }));
    EXPECT_FALSE(world.told(key).gone);
    std::fstream writer(fifo, std::ios::in | std::ios::out); // does not wait for a reader, and stays open for it
    writer << "go" << std::endl;
    EXPECT_TRUE(world.until_gone(key));
}

TEST_P(Launching, kills_what_ignores_the_signal_after_its_parent_obeyed_it)
{
    const auto key =
        world.launch(shell("sh -c 'trap \"\" TERM; echo $$; while :; do sleep 1000; done' & wait"));
    const pid_t stubborn = first_number(world, key);
    world.launcher->terminate(key, SIGTERM);
    ASSERT_TRUE(world.until([&] { return world.told(key).main_exit.has_value(); }));
    EXPECT_TRUE(is_alive(stubborn));
    world.launcher->kill(key);
    ASSERT_TRUE(world.until_gone(key));
    EXPECT_FALSE(is_alive(stubborn));
}

TEST_P(Launching, kills_a_child_that_hid_its_name_and_session_before_the_stop)
{
    // Below the main process at the time of the stop, so it needs no mark to be found.
    const auto key = world.launch(shell("env -i setsid sh -c 'echo $$; exec /bin/sleep 1000' & wait"));
    const pid_t hidden = first_number(world, key);
    world.launcher->kill(key);
    ASSERT_TRUE(world.until_gone(key));
    EXPECT_FALSE(is_alive(hidden));
}

/// Leaves the session, loses its parent and drops its environment, all before it prints its pid.
constexpr const char* kHide = "(setsid env -i sh -c 'echo $$; exec /bin/sleep 1000' &) ; ";

bool until_adopted(World& world, pid_t pid)
{
    return world.until([&] {
        const auto info = read_process(pid);
        return !info || info->parent == ::getpid();
    });
}

TEST_P(Launching, kills_what_hid_its_name_session_and_parent_before_the_stop)
{
    const auto key = world.launch(shell(std::string(kHide) + "exec sleep 1000"));
    const pid_t hidden = first_number(world, key);
    ASSERT_TRUE(until_adopted(world, hidden));
    world.launcher->kill(key);
    ASSERT_TRUE(world.until_gone(key));
    EXPECT_FALSE(is_alive(hidden));
}

TEST_P(Launching, knows_what_hid_before_the_main_process_ended)
{
    const auto fifo = world.path("fifo");
    ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
    const auto key = world.launch(shell(std::string(kHide) + "read x < " + fifo + "; exit 3"));
    const pid_t hidden = first_number(world, key);
    ASSERT_TRUE(until_adopted(world, hidden));
    std::fstream writer(fifo, std::ios::in | std::ios::out);
    writer << "go" << std::endl;
    ASSERT_TRUE(world.until([&] { return world.told(key).main_exit || world.told(key).gone; }));
    EXPECT_FALSE(world.told(key).gone);
    world.launcher->kill(key);
    ASSERT_TRUE(world.until_gone(key));
    EXPECT_FALSE(is_alive(hidden));
}

TEST_P(Launching, does_not_take_what_hid_from_another_app)
{
    const auto other = world.launch(shell(std::string(kHide) + "exec sleep 1000"));
    const pid_t hidden = first_number(world, other);
    ASSERT_TRUE(until_adopted(world, hidden));
    const auto key = world.launch(shell("exec sleep 1000"));
    ASSERT_TRUE(world.until_running(key));
    world.launcher->kill(key);
    ASSERT_TRUE(world.until_gone(key));
    EXPECT_TRUE(is_alive(hidden));
    world.launcher->kill(other);
    ASSERT_TRUE(world.until_gone(other));
    EXPECT_FALSE(is_alive(hidden));
}

TEST_P(Launching, kills_what_was_in_the_middle_of_execve_when_the_rest_ended)
{
    // There it has no environment to know it by: it must not be taken for a stranger.
    const auto key = world.launch(spec_of(BETWEEN_PROGRAMS));
    ASSERT_TRUE(world.until([&] { return !world.text(key).empty() || world.told(key).gone; }));
    if (world.text(key).empty() && world.told(key).gone->code == 77)
        GTEST_SKIP() << "this kernel lets no process hide its environment (PR_SET_MM_MAP)";
    const pid_t escaped = first_number(world, key);
    ASSERT_GT(escaped, 0);
    world.launcher->kill(key);
    ASSERT_TRUE(world.until([&] { return ::kill(world.told(key).pid, 0) < 0; })); // reaped
    ::kill(escaped, SIGUSR1);
    ASSERT_TRUE(world.until_gone(key));
    EXPECT_EQ(world.told(key).gone_count, 1);
    EXPECT_FALSE(is_alive(escaped));
}

TEST_P(Launching, kill_mode_main_spares_the_others)
{
    auto spec = shell(std::string(kEscape) + "exec sleep 1000");
    spec.kill_mode = model::KillMode::Main;
    const auto key = world.launch(spec);
    const pid_t spared = first_number(world, key);
    ASSERT_GT(spared, 0);
    world.launcher->terminate(key, SIGTERM);
    ASSERT_TRUE(world.until_gone(key));
    EXPECT_FALSE(world.told(key).main_exit);
    EXPECT_TRUE(is_alive(spared));
    ::kill(spared, SIGKILL);
    EXPECT_TRUE(world.until([&] { return ::kill(spared, 0) < 0; })); // reaped too
}

TEST_P(Launching, one_app_does_not_take_another_with_it)
{
    const auto other = world.launch(shell(std::string(kEscape) + "exec sleep 1000"));
    const pid_t escaped = first_number(world, other);
    const auto key = world.launch(shell("sleep 1000 & sleep 1000 & wait"));
    ASSERT_TRUE(world.until_running(key));
    world.launcher->kill(key);
    ASSERT_TRUE(world.until_gone(key));
    EXPECT_TRUE(is_alive(escaped));
    EXPECT_TRUE(is_alive(world.told(other).pid));
    EXPECT_FALSE(world.told(other).gone);
}

TEST_P(Launching, kill_right_after_launch_ends_it)
{
    const auto key = world.launch(spec_of("sleep", {"1000"}));
    world.launcher->kill(key);
    ASSERT_TRUE(world.until_gone(key));
    EXPECT_EQ(world.told(key).gone->code, SIGKILL);
}

TEST_P(Launching, many_launches_leave_no_fd_no_zombie_and_no_cgroup)
{
    world.null_output = true;
    world.run(spec_of("true"));
    const std::size_t before = open_fds();
    std::vector<engine::ProcessKey> keys;
    for (int i = 0; i < 200; ++i) {
        auto spec = i % 4 == 0 ? shell("(setsid sleep 1000 &); exit 0") : spec_of("sleep", {"1000"});
        if (i % 10 == 1) spec.cwd = "/nope";
        if (i % 10 == 2) spec.user = "no-such-user";
        keys.push_back(world.launch(spec));
    }
    for (const auto key : keys) EXPECT_TRUE(world.until([&] {
        const Told& told = world.told(key);
        return told.running > 0 || told.gone;
    }));
    for (const auto key : keys) world.launcher->kill(key);
    for (const auto key : keys) {
        EXPECT_TRUE(world.until_gone(key));
        EXPECT_EQ(world.told(key).gone_count, 1);
    }
    EXPECT_EQ(open_fds(), before);
    const std::string root = world.launcher->cgroup_root();
    if (!root.empty()) {
        for (const auto& entry : std::filesystem::directory_iterator(root)) EXPECT_FALSE(entry.is_directory());
    }
    EXPECT_TRUE(world.until([] { return ::waitpid(-1, nullptr, WNOHANG) < 0; })); // ECHILD: no child, no zombie
    world.launcher.reset();
    EXPECT_FALSE(!root.empty() && std::filesystem::exists(root));
}

TEST_P(Launching, a_spared_process_keeps_its_cgroup_until_it_ends)
{
    const std::string root = world.launcher->cgroup_root();
    if (root.empty()) GTEST_SKIP() << "about cgroups only";
    auto spec = shell(std::string(kEscape) + "exec sleep 1000");
    spec.kill_mode = model::KillMode::Main;
    const auto key = world.launch(spec);
    const pid_t spared = first_number(world, key);
    ASSERT_GT(spared, 0);
    world.launcher->kill(key);
    ASSERT_TRUE(world.until_gone(key));
    const auto leaf = std::filesystem::path(root) / "app-0.1.1";
    EXPECT_TRUE(std::filesystem::exists(leaf));
    ::kill(spared, SIGKILL);
    EXPECT_TRUE(world.until([&] { return !std::filesystem::exists(leaf); }));
}

TEST_P(Launching, what_a_dead_pmd_left_is_removed_when_its_last_process_ends)
{
    if (world.launcher->cgroup_root().empty()) GTEST_SKIP() << "about cgroups only";
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    const pid_t dead = ::fork();
    if (dead == 0) { // a pmd that is killed: no destructor runs
        Cgroups cgroups;
        const base::Fd leaf = cgroups.create("app");
        const pid_t app = ::fork();
        if (app == 0) ::pause();
        std::ofstream(cgroups.root() + "/app/cgroup.procs") << app << std::flush;
        const std::string said = cgroups.root() + " " + std::to_string(app);
        static_cast<void>(!::write(ends[1], said.data(), said.size()));
        ::_exit(0);
    }
    siginfo_t info{};
    ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(dead), &info, WEXITED | WNOWAIT), 0); // a zombie from here on
    char buffer[512];
    const ssize_t count = ::read(ends[0], buffer, sizeof buffer);
    base::Fd(ends[0]).reset();
    base::Fd(ends[1]).reset();
    const std::string said(buffer, static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    const std::string root = said.substr(0, said.find(' '));
    const pid_t app = numbers(said).at(0);
    DirectOptions options;
    options.pm_exec = PM_EXEC;
    DirectLauncher next(world.loop, world, world, world.channels, options, [](const std::string&) {});
    EXPECT_TRUE(std::filesystem::exists(root + "/app"));
    ::kill(app, SIGKILL);
    EXPECT_TRUE(world.until([&] { return !std::filesystem::exists(root); })) << root;
}

TEST_P(Launching, a_cgroup_that_cannot_be_opened_is_not_left_behind)
{
    if (world.launcher->cgroup_root().empty()) GTEST_SKIP() << "about cgroups only";
    Cgroups cgroups;
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
    const rlimit none{0, before.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &none);
    const bool made = static_cast<bool>(cgroups.create("app"));
    const int error = errno;
    ::setrlimit(RLIMIT_NOFILE, &before);
    EXPECT_FALSE(made);
    EXPECT_EQ(error, EMFILE);
    EXPECT_FALSE(std::filesystem::exists(cgroups.root() + "/app"));
}

TEST_P(Launching, may_be_destroyed_while_processes_run)
{
    pid_t pid = 0;
    {
        DirectOptions options;
        options.pm_exec = PM_EXEC;
        options.cgroups = GetParam();
        options.path = "/usr/bin:/bin";
        DirectLauncher other(world.loop, world, world, world.channels, options, [](const std::string&) {});
        other.set_events(world);
        const engine::ProcessKey key{base::InstanceId{4000}, base::Generation{1}};
        other.launch({key, base::Slot{0}, std::make_shared<model::AppSpec>(spec_of("sleep", {"1000"})), false});
        ASSERT_TRUE(world.until_running(key));
        pid = world.told(key).pid;
        world.told(key).gone = model::ExitInfo{}; // nobody will say so any more
    }
    EXPECT_TRUE(is_alive(pid));
    ::kill(pid, SIGKILL);
    EXPECT_TRUE(world.until([&] { return ::kill(pid, 0) < 0; }));
}

} // namespace
} // namespace pm::launch::test
