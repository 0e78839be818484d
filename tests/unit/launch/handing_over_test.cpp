// SPDX-License-Identifier: Apache-2.0
// A launcher in the place of another one, in the same process, goes on with its children.
#include "world.hpp"

#include "launch/process/process_table.hpp"

#include <array>
#include <csignal>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace pm::launch::test {
namespace {

using Kind = model::ExitInfo::Kind;

pid_t first_told(World& world, engine::ProcessKey key)
{
    EXPECT_TRUE(world.until_text(key, "\n"));
    const auto found = numbers(world.text(key));
    return found.empty() ? -1 : found[0];
}

/// Waits for the end of a child without reaping it.
void wait_ended(pid_t pid)
{
    const base::Fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    pollfd ended{pidfd.get(), POLLIN, 0};
    ASSERT_EQ(::poll(&ended, 1, 20'000), 1);
}

TEST_P(Launching, the_next_launcher_goes_on_with_what_runs)
{
    const auto key = world.launch(shell("(setsid sh -c 'echo $$; exec sleep 1000' &) ; exec sleep 1000"));
    ASSERT_TRUE(world.until_running(key));
    const pid_t pid = world.told(key).pid, escaped = first_told(world, key);
    ASSERT_TRUE(world.until([&] { return world.launcher->at_rest(); }));
    const std::string root = world.launcher->cgroup_root();
    world.replace_launcher();
    EXPECT_EQ(world.launcher->cgroup_root(), root);
    ASSERT_TRUE(world.until([&] { return world.told(key).running == 2; })) << "it says so again";
    EXPECT_EQ(world.told(key).pid, pid);
    EXPECT_TRUE(world.launcher->owns(key, pid));
    EXPECT_TRUE(world.launcher->owns(key, escaped));
    world.launcher->terminate(key, SIGTERM);
    ASSERT_TRUE(world.until_gone(key));
    EXPECT_EQ(world.told(key).gone->code, SIGTERM);
    EXPECT_FALSE(is_alive(escaped));
    if (root.empty()) return;
    for (const auto& entry : std::filesystem::directory_iterator(root)) EXPECT_FALSE(entry.is_directory()) << entry.path() << " is left";
}

TEST_P(Launching, how_a_process_ended_meanwhile_is_known)
{
    const auto key = world.launch(shell("exec sleep 1000"));
    ASSERT_TRUE(world.until_running(key));
    const pid_t pid = world.told(key).pid;
    ::kill(pid, SIGKILL);
    wait_ended(pid);
    world.replace_launcher();
    ASSERT_TRUE(world.until_gone(key));
    EXPECT_EQ(world.told(key).running, 2) << "it is told in order";
    EXPECT_EQ(world.told(key).gone->kind, Kind::Signaled);
    EXPECT_EQ(world.told(key).gone->code, SIGKILL);
    EXPECT_EQ(world.told(key).gone_count, 1);
}

TEST_P(Launching, what_a_process_left_is_gone_on_with)
{
    const auto key = world.launch(shell("sh -c 'echo $$; exec sleep 1000' & exit 7"));
    const pid_t left = first_told(world, key);
    ASSERT_TRUE(world.until([&] { return world.told(key).main_exit.has_value(); }));
    world.told(key).main_exit.reset();
    world.replace_launcher();
    ASSERT_TRUE(world.until([&] { return world.launcher->at_rest(); }));
    ASSERT_TRUE(is_alive(left));
    EXPECT_FALSE(world.told(key).main_exit) << "it was told";
    world.launcher->kill(key);
    ASSERT_TRUE(world.until_gone(key));
    EXPECT_EQ(world.told(key).gone->code, 7);
    EXPECT_FALSE(is_alive(left));
}

TEST_P(Launching, what_is_paused_is_launched_by_the_next_launcher)
{
    world.launcher->pause();
    const auto key = world.launch(shell("exec sleep 1000")), dropped = world.launch(shell("exec sleep 1000"));
    world.launcher->kill(dropped);
    ASSERT_TRUE(world.until_gone(dropped));
    ASSERT_TRUE(world.launcher->at_rest());
    EXPECT_EQ(world.told(key).running, 0);
    world.replace_launcher();
    ASSERT_TRUE(world.until_running(key));
    EXPECT_TRUE(is_alive(world.told(key).pid));
}

TEST_P(Launching, a_pause_ends)
{
    world.launcher->pause();
    const auto key = world.launch(shell("exec sleep 1000"));
    world.launcher->go_on();
    EXPECT_TRUE(world.until_running(key));
}

TEST_P(Launching, a_process_in_its_launch_is_no_rest)
{
    const auto key = world.launch(shell("exec sleep 1000"));
    EXPECT_FALSE(world.launcher->at_rest());
    ASSERT_TRUE(world.until_running(key));
    EXPECT_TRUE(world.launcher->at_rest());
}

TEST_P(Launching, what_nobody_left_is_lost)
{
    const auto key = world.launch(shell("exec sleep 1000"));
    ASSERT_TRUE(world.until_running(key));
    engine::LaunchRequest request;
    request.key = {base::InstanceId{99}, base::Generation{3}};
    request.spec = std::make_shared<model::AppSpec>(shell("exit"));
    request.ran = true;
    world.replace_launcher();
    world.launcher->adopt(request);
    ASSERT_TRUE(world.until_gone(request.key));
    EXPECT_EQ(world.told(request.key).gone->kind, Kind::Lost);
}

TEST_P(Launching, what_was_written_down_and_not_launched_is_launched_by_the_next_pmd)
{
    engine::LaunchRequest request;
    request.key = {base::InstanceId{99}, base::Generation{3}};
    request.spec = std::make_shared<model::AppSpec>(shell("exit 3"));
    world.replace_launcher();
    world.launcher->adopt(request);
    ASSERT_TRUE(world.until_gone(request.key));
    EXPECT_EQ(world.told(request.key).gone->kind, Kind::Exited);
    EXPECT_EQ(world.told(request.key).gone->code, 3);
}

TEST_P(Launching, what_a_killed_pmd_left_is_gone_on_with)
{
    const auto key = world.launch(shell("sh -c 'echo $$; exec sleep 1000' & exec sleep 1000"));
    const pid_t left = first_told(world, key);
    ASSERT_TRUE(world.until_running(key));
    const pid_t pid = world.told(key).pid;
    world.recover(key, [](Earlier&) {});
    ASSERT_TRUE(world.until([&] { return world.told(key).running == 2; }));
    EXPECT_EQ(world.told(key).pid, pid);
    EXPECT_TRUE(world.launcher->owns(key, left));
    world.launcher->terminate(key, SIGTERM);
    ASSERT_TRUE(world.until_gone(key));
    EXPECT_FALSE(is_alive(left));
}

TEST_P(Launching, a_process_that_only_has_the_number_is_left_alone)
{
    const auto key = world.launch(shell("exec sleep 1000"));
    ASSERT_TRUE(world.until_running(key));
    const pid_t pid = world.told(key).pid;
    world.recover(key, [](Earlier& process) {
        ++process.start_time;
        process.cgroup.clear(); // which says nothing of a number
    });
    EXPECT_FALSE(world.launcher->descriptor_of(key, 0));
    ASSERT_TRUE(world.until_gone(key));
    EXPECT_EQ(world.told(key).gone->kind, Kind::Lost);
    EXPECT_TRUE(is_alive(pid));
    ::kill(pid, SIGKILL);
}

TEST_P(Launching, output_of_a_killed_pmds_process_is_the_pipe_it_was_given)
{
    const auto key = world.launch(shell("echo begun; exec sleep 1000"));
    ASSERT_TRUE(world.until_text(key, "begun"));
    ASSERT_TRUE(world.until_running(key));
    const auto other = world.launch(shell("exec sleep 1000"));
    ASSERT_TRUE(world.until_running(other));
    auto left = *earlier_from(world.launcher->trace(std::array{key, other}));
    left.processes.at(other).outputs = left.processes.at(key).outputs; // as if it had something else there by now
    world.launcher->recover(to_bytes(left));
    EXPECT_TRUE(world.launcher->output_of(key, 1));
    EXPECT_TRUE(world.launcher->descriptor_of(key, 0));
    EXPECT_FALSE(world.launcher->output_of(key, 0)) << "/dev/null";
    EXPECT_FALSE(world.launcher->output_of(key, 99));
    EXPECT_FALSE(world.launcher->output_of(other, 1));
}

} // namespace
} // namespace pm::launch::test
