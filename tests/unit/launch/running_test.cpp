// SPDX-License-Identifier: Apache-2.0
// A process as it finds itself: its fds, signals, session, rights, environment; and how its end is told.
#include "world.hpp"

#include "base/fd.hpp"

#include <csignal>
#include <fmt/format.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

namespace pm::launch::test {
namespace {

using Kind = model::ExitInfo::Kind;

TEST_P(Launching, tells_of_a_program_that_runs_and_exits)
{
    const auto key = world.launch(shell("exit 3"));
    EXPECT_FALSE(world.told(key).gone); // never from inside the call
    ASSERT_TRUE(world.until_gone(key));
    EXPECT_EQ(world.told(key).running, 1);
    EXPECT_EQ(world.told(key).gone->kind, Kind::Exited);
    EXPECT_EQ(world.told(key).gone->code, 3);
    EXPECT_FALSE(world.told(key).main_exit);
}

TEST_P(Launching, tells_the_signal_that_ended_it)
{
    const auto key = world.launch(spec_of("sleep", {"1000"}));
    ASSERT_TRUE(world.until_running(key));
    world.launcher->terminate(key, SIGTERM);
    ASSERT_TRUE(world.until_gone(key));
    EXPECT_EQ(world.told(key).gone->kind, Kind::Signaled);
    EXPECT_EQ(world.told(key).gone->code, SIGTERM);
}

TEST_P(Launching, gives_it_three_fds_and_nothing_else)
{
    std::string text;
    const auto leak = ::dup(1); // not close-on-exec: the helper must close it
    world.run(spec_of("ls", {"/proc/self/fd"}), &text);
    ::close(leak);
    EXPECT_EQ(text, "0\n1\n2\n3\n"); // 3 is the directory that ls reads
}

model::AppSpec listening(model::AppSpec spec, std::size_t count)
{
    for (std::size_t i = 0; i < count; ++i) spec.listen.push_back({.port = static_cast<std::uint16_t>(8000 + i), .name = "n" + std::to_string(i)});
    return spec;
}

TEST_P(Launching, gives_it_the_sockets_it_listens_on_in_their_order)
{
    // In an order that is not that of their numbers, to have each in the way of another.
    const base::Fd a(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    const base::Fd b(::open("/dev/zero", O_RDONLY | O_CLOEXEC));
    const base::Fd c(::open("/dev/full", O_RDONLY | O_CLOEXEC));
    world.sockets = {c.get(), a.get(), b.get()};
    std::string text;
    world.run(listening(shell("readlink /proc/$$/fd/3 /proc/$$/fd/4 /proc/$$/fd/5; ls /proc/self/fd; "
                              "echo $LISTEN_FDS $LISTEN_FDNAMES; test $LISTEN_PID = $$ && echo mine"), 3), &text);
    EXPECT_EQ(text, "/dev/full\n/dev/null\n/dev/zero\n0\n1\n2\n3\n4\n5\n6\n3 n0:n1:n2\nmine\n");
}

TEST_P(Launching, what_the_app_file_says_of_the_pid_is_written_over)
{
    const base::Fd a(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    world.sockets = {a.get()};
    auto spec = listening(shell("test $LISTEN_PID = $$ && echo mine; env | grep -c ^LISTEN_PID"), 1);
    spec.env["LISTEN_PID"] = "1";
    spec.env_files = {world.write("env", "LISTEN_PID=1\n")};
    std::string text;
    world.run(spec, &text);
    EXPECT_EQ(text, "mine\n1\n");
}

TEST_P(Launching, takes_as_many_sockets_as_an_app_may_have)
{
    const base::Fd a(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    world.sockets.assign(model::kMaxListen, a.get());
    std::string text;
    world.run(listening(shell("ls /proc/self/fd | wc -l; readlink /proc/$$/fd/66"), model::kMaxListen), &text);
    EXPECT_EQ(text, "68\n/dev/null\n");
}

TEST_P(Launching, with_a_message_channel_behind_them)
{
    struct Talk final : engine::Channels {
        base::Result<engine::ChannelEnds> connect(const engine::LaunchRequest&, const model::SharedIdentity&) override
        {
            engine::ChannelEnds ends;
            ends.messages = base::Fd(::open("/dev/zero", O_RDONLY | O_CLOEXEC));
            return ends;
        }
    } talk;
    world.channels.add(talk);
    const base::Fd a(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    world.sockets.assign(model::kMaxListen, a.get());
    std::string text;
    world.run(listening(shell("readlink /proc/$$/fd/66 /proc/$$/fd/67"), model::kMaxListen), &text);
    EXPECT_EQ(text, "/dev/null\n/dev/zero\n");
}

TEST_P(Launching, a_failure_is_told_also_behind_sockets)
{
    const base::Fd a(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    world.sockets = {a.get()};
    auto spec = listening(shell("true"), 1);
    spec.cwd = "/no/such/directory";
    EXPECT_EQ(world.run(spec).detail, "changing to directory '/no/such/directory': No such file or directory");
}

TEST_P(Launching, without_its_sockets_it_is_not_started)
{
    world.sockets_fault = "port 8000 is in use";
    const auto exit = world.run(listening(shell("echo ran"), 1));
    EXPECT_EQ(exit.kind, Kind::LaunchFailed);
    EXPECT_EQ(exit.stage, model::LaunchStage::Listen);
    EXPECT_EQ(exit.detail, "port 8000 is in use");
}

TEST_P(Launching, gives_it_dev_null_where_there_is_no_log)
{
    world.null_output = true;
    const auto file = world.path("fds");
    world.run(shell("fds=$(readlink /proc/$$/fd/0 /proc/$$/fd/1 /proc/$$/fd/2); echo \"$fds\" > " + file));
    std::ifstream read(file);
    std::string line;
    int count = 0;
    for (; std::getline(read, line); ++count) EXPECT_EQ(line, "/dev/null");
    EXPECT_EQ(count, 3);
}

TEST_P(Launching, gives_it_clean_signals)
{
    sigset_t set;
    sigset_t old;
    sigfillset(&set);
    sigprocmask(SIG_BLOCK, &set, &old);
    const auto handler = std::signal(SIGHUP, SIG_IGN);
    const auto key = world.launch(spec_of("sed", {"-n", "/^Sig[BIC]/p", "/proc/self/status"}));
    std::signal(SIGHUP, handler);
    sigprocmask(SIG_SETMASK, &old, nullptr);
    ASSERT_TRUE(world.until_gone(key));
    const std::string zero = "\t0000000000000000\n";
    EXPECT_EQ(world.text(key), "SigBlk:" + zero + "SigIgn:" + zero + "SigCgt:" + zero);
}

TEST_P(Launching, makes_it_leader_of_its_own_session)
{
    const auto key = world.launch(spec_of("cat", {"/proc/self/stat"}));
    ASSERT_TRUE(world.until_gone(key));
    const auto fields = numbers(world.text(key)); // pid (name is no number) ppid pgrp session
    ASSERT_GE(fields.size(), 4U);
    EXPECT_EQ(fields[0], world.told(key).pid);
    EXPECT_EQ(fields[1], ::getpid());
    EXPECT_EQ(fields[2], world.told(key).pid);
    EXPECT_EQ(fields[3], world.told(key).pid);
}

TEST_P(Launching, runs_the_file_that_a_whole_line_names)
{
    world.write("my job.sh", "echo \"sh $0 $1\"\n", 0644);
    world.write("my job", "#!/bin/sh\necho \"itself $1\"\n", 0755);
    world.write("my", "#!/bin/sh\necho \"not the first word $1\"\n", 0755);
    auto spec = spec_of("my job.sh", {"two words"});
    spec.cwd = world.path("");
    std::string text;
    world.run(spec, &text);
    EXPECT_EQ(text, "sh my job.sh two words\n");
    spec.script = world.path("my job");
    world.run(spec, &text);
    EXPECT_EQ(text, "itself two words\n");
    spec.script = "./my job; echo $1"; // no file is called so
    world.run(spec, &text);
    EXPECT_EQ(text, "not the first word job\ntwo words\n");
    spec.script = "my job.sh";
    spec.interpreter_args = {"-x"};
    spec.args = {};
    world.run(spec, &text);
    EXPECT_NE(text.find("+ echo 'sh my job.sh '"), std::string::npos) << text;
}

TEST_P(Launching, sets_directory_umask_nice_limits_and_oom_score)
{
    auto spec = shell("pwd; umask; nice; ulimit -n; ulimit -Hn; cat /proc/self/oom_score_adj");
    spec.cwd = world.path("");
    spec.cwd.pop_back();
    spec.umask = 027;
    spec.nice = 5;
    spec.oom_score_adj = 300;
    spec.rlimits = {{RLIMIT_NOFILE, 123, 456}};
    std::string text;
    world.run(spec, &text);
    EXPECT_EQ(text, spec.cwd + "\n0027\n5\n123\n456\n300\n");
}

TEST_P(Launching, gets_the_limit_pmd_began_with_unless_it_declares_one)
{
    DirectOptions options;
    options.pm_exec = PM_EXEC;
    options.cgroups = GetParam();
    options.path = "/usr/bin:/bin";
    options.nofile = model::ResourceLimit{RLIMIT_NOFILE, 200, 400};
    world.launcher.reset();
    world.launcher = std::make_unique<DirectLauncher>(world.loop, world, world, world.channels, options, [](const std::string&) {});
    world.launcher->set_events(world);
    auto spec = shell("ulimit -n");
    std::string text;
    world.run(spec, &text);
    EXPECT_EQ(text, "200\n");
    spec.rlimits = {{RLIMIT_NOFILE, 100, 300}};
    world.run(spec, &text);
    EXPECT_EQ(text, "100\n");
}

TEST_P(Launching, has_umask_022_when_none_is_declared)
{
    std::string text;
    const auto old = ::umask(0077);
    world.run(shell("umask"), &text);
    ::umask(old);
    EXPECT_EQ(text, "0022\n");
}

TEST_P(Launching, gives_it_the_environment_of_the_spec_and_who_it_is)
{
    auto spec = spec_of("env");
    spec.env = {{"GREETING", "hello world"}, {"EMPTY", ""}};
    std::string text = "\n";
    std::string output;
    world.run(spec, &output);
    text += output;
    for (const char* line : {"\nGREETING=hello world\n", "\nEMPTY=\n", "\nPM_NAME=app\n", "\nPM_GENERATION=1\n",
                             "\nPATH=/usr/local/bin:/usr/bin:/bin\n"})
        EXPECT_NE(text.find(line), std::string::npos) << line << text;
}

TEST_P(Launching, reads_environment_files_between_the_base_and_the_spec)
{
    auto spec = shell("echo \"$A|$B|$C|$D|$PATH\"");
    spec.env = {{"A", "spec"}};
    spec.env_files = {world.write("one", "A=one\nB=one\nexport C='a b' # no\nPATH=/usr/bin:/bin:/mine\n"),
                      world.write("two", "# two\nB=two\nD=\"x\\ty\"\n")};
    std::string text;
    world.run(spec, &text);
    EXPECT_EQ(text, "spec|two|a b|x\ty|/usr/bin:/bin:/mine\n");
}

TEST_P(Launching, changes_user_and_groups)
{
    if (::geteuid() != 0) GTEST_SKIP() << "only root can change users";
    auto spec = shell("id -u; id -g; id -G; echo $HOME $USER");
    spec.user = "nobody";
    std::string text;
    world.run(spec, &text);
    EXPECT_EQ(text, "65534\n65534\n65534\n/nonexistent nobody\n");
    spec.user = "65534";
    spec.group = "daemon";
    world.run(spec, &text);
    EXPECT_EQ(text, "65534\n1\n1\n/nonexistent nobody\n");
}

TEST_P(Launching, a_pmd_without_a_home_gives_its_apps_one)
{
    for (const char* name : {"HOME", "USER", "LOGNAME", "SHELL"}) ::unsetenv(name); // as a service of the system
    const passwd* own = ::getpwuid(::geteuid());
    ASSERT_NE(own, nullptr);
    std::string text;
    world.run(shell("echo $HOME $USER $LOGNAME $SHELL"), &text);
    EXPECT_EQ(text, fmt::format("{} {} {} {}\n", own->pw_dir, own->pw_name, own->pw_name, own->pw_shell));
    ::setenv("HOME", "/tmp/mine", 1);
    world.run(shell("echo $HOME"), &text);
    EXPECT_EQ(text, "/tmp/mine\n");
}

TEST_P(Launching, tells_its_environment_and_its_usage)
{
    auto spec = spec_of("sleep", {"1000"});
    spec.env = {{"COLOUR", "blue"}};
    const auto key = world.launch(spec);
    ASSERT_TRUE(world.until_running(key));
    // It is told to run when execve(2) can fail no more, a little before its environment is there.
    auto lines = world.launcher->environment(key);
    ASSERT_TRUE(world.until([&] {
        lines = world.launcher->environment(key);
        return lines || lines.error().code != base::ErrorCode::Busy;
    }));
    ASSERT_TRUE(lines) << lines.error().message;
    EXPECT_TRUE(std::count(lines->begin(), lines->end(), "COLOUR=blue"));
    EXPECT_TRUE(world.until([&] { // the kernel counts memory in batches, so at first there may be none
        const auto usage = world.launcher->usage(key);
        return usage && usage->memory_bytes > 0;
    }));
    ASSERT_TRUE(world.launcher->signal(key, SIGKILL));
    ASSERT_TRUE(world.until_gone(key));
    EXPECT_FALSE(world.launcher->usage(key));
    EXPECT_FALSE(world.launcher->environment(key));
    EXPECT_FALSE(world.launcher->signal(key, SIGTERM));
}

TEST_P(Launching, sends_orders_larger_than_any_socket_buffer)
{
    auto spec = shell("echo ${#V0} ${#V19}");
    for (int i = 0; i < 20; ++i) spec.env["V" + std::to_string(i)] = std::string(60000, 'x');
    std::string text;
    EXPECT_EQ(world.run(spec, &text).kind, Kind::Exited);
    EXPECT_EQ(text, "60000 60000\n");
}

TEST_P(Launching, writes_the_pid_file_while_it_runs)
{
    world.several = true;
    auto spec = spec_of("sleep", {"1000"});
    spec.pid_file = world.path("app.pid");
    const std::string actual = world.path("app-0.pid");
    const std::string victim = world.write("victim", "keep me");
    std::filesystem::create_symlink(victim, actual);
    const auto key = world.launch(spec);
    ASSERT_TRUE(world.until_running(key));
    pid_t written = 0;
    std::ifstream(actual) >> written;
    EXPECT_EQ(written, world.told(key).pid);
    EXPECT_FALSE(std::filesystem::is_symlink(actual));
    std::string kept;
    std::getline(std::ifstream(victim), kept);
    EXPECT_EQ(kept, "keep me");
    world.launcher->kill(key);
    ASSERT_TRUE(world.until_gone(key));
    EXPECT_FALSE(std::filesystem::exists(actual));
}

TEST_P(Launching, writes_the_pid_file_with_the_rights_of_the_user)
{
    if (::geteuid() != 0) GTEST_SKIP() << "only root can change users";
    std::filesystem::create_directory(world.path("home"));
    ASSERT_EQ(::chown(world.path("home").c_str(), 65534, 65534), 0);
    std::filesystem::create_directory(world.path("etc"));
    std::filesystem::create_directory_symlink(world.path("etc"), world.path("home/run"));
    world.write("etc/app.pid", "1");
    auto spec = spec_of("sleep", {"1000"});
    spec.user = "nobody";
    spec.pid_file = world.path("home/app.pid");
    const auto good = world.launch(spec);
    spec.pid_file = world.path("home/run/app.pid"); // where nobody may not write
    const auto evil = world.launch(spec);
    ASSERT_TRUE(world.until_running(good));
    ASSERT_TRUE(world.until_running(evil));
    struct stat status {};
    ASSERT_EQ(::stat(world.path("home/app.pid").c_str(), &status), 0);
    EXPECT_EQ(status.st_uid, 65534u);
    ASSERT_EQ(world.warnings.size(), 1u);
    EXPECT_NE(world.warnings[0].find("home/run/app.pid' as user 'nobody': Permission denied"), std::string::npos)
        << world.warnings[0];
    // Nor is one removed that is not his to remove, though it holds the pid.
    world.write("etc/app.pid", std::to_string(world.told(evil).pid));
    world.launcher->kill(good);
    world.launcher->kill(evil);
    ASSERT_TRUE(world.until_gone(good));
    ASSERT_TRUE(world.until_gone(evil));
    EXPECT_FALSE(std::filesystem::exists(world.path("home/app.pid")));
    EXPECT_TRUE(std::filesystem::exists(world.path("etc/app.pid")));
}

} // namespace
} // namespace pm::launch::test
