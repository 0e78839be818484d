// SPDX-License-Identifier: Apache-2.0
// The command of a check: run as the app is, beside it, for so long and no longer.
#include "launch/process/check_command.hpp"
#include "world.hpp"

#include <csignal>
#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

namespace pm::launch::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class Checking : public Launching {
protected:
    engine::ProcessKey app(std::vector<std::string> command, model::AppSpec spec = spec_of("sleep", {"1000"}))
    {
        spec.health.emplace().command = std::move(command);
        const auto key = world.launch(spec);
        EXPECT_TRUE(world.until_running(key));
        return key;
    }
    engine::ProcessKey line(const std::string& text) { return app({"sh", "-c", text}); }
    void begin(engine::ProcessKey key, model::Duration timeout = seconds(20))
    {
        said.reset();
        check = world.launcher->check(key, timeout, [this](const base::Result<void>& result) {
            said = result ? "" : result.error().message;
            check.reset(); // as who asked may
        });
        EXPECT_TRUE(check);
        EXPECT_FALSE(said) << "not from inside the call";
    }
    /// "" when it succeeds, else why it does not.
    std::string ask(engine::ProcessKey key, model::Duration timeout = seconds(20))
    {
        begin(key, timeout);
        EXPECT_TRUE(world.until([&] { return said.has_value(); }));
        return said.value_or("nothing was told");
    }
    std::string content(const std::string& name)
    {
        std::ifstream file(world.path(name));
        return {std::istreambuf_iterator<char>(file), {}};
    }

    std::unique_ptr<engine::Check> check;
    std::optional<std::string> said;
};

TEST_P(Checking, IsWhatTheCommandSays)
{
    EXPECT_EQ(ask(line("exit 0")), "");
    EXPECT_EQ(ask(app({"false"})), "false: exit code 1");
    EXPECT_EQ(ask(line("echo first; printf 'not \\033 yet\\n\\n' >&2; exit 3")), "sh: exit code 3: not ? yet");
    EXPECT_EQ(ask(line("kill -9 $$")), "sh: SIGKILL");
    EXPECT_NE(ask(app({"no-such-command"})).find("no-such-command: "), std::string::npos);
    EXPECT_NE(said->find("No such file or directory"), std::string::npos) << *said;
}

TEST_P(Checking, SaysMuchAndIsHeardInPartOnly)
{
    const std::string text = ask(line("printf BEGIN; head -c 3000000 /dev/zero | tr '\\0' x; exit 1"));
    EXPECT_LT(text.size(), 400U);
    EXPECT_TRUE(text.ends_with("xxx")) << text;
    EXPECT_EQ(text.find("BEGIN"), std::string::npos) << "no more is kept than is shown";
}

TEST_P(Checking, RunsAsTheAppDoes)
{
    model::AppSpec spec = spec_of("sleep", {"1000"});
    spec.env = {{"GREETING", "hello"}};
    spec.cwd = "/usr";
    spec.umask = 0027;
    spec.rlimits = {{RLIMIT_NOFILE, 77, 77}};
    spec.listen.push_back({.port = 8000, .name = "8000"});
    const base::Fd socket(::dup(0));
    world.sockets = {socket.get()};
    const auto key = app({"sh", "-c", "echo $GREETING $(pwd) $(umask) $(ulimit -n) $MAINPID $PM_ID ${LISTEN_FDS-none} $(ls /proc/self/fd | wc -l); exit 1"}, spec);
    EXPECT_TRUE(ask(key).ends_with(fmt::format("hello /usr 0027 77 {} {} none 4", world.told(key).pid, key.id.value))) << *said; // the fourth is that of ls
    EXPECT_EQ(world.launcher->members(key), std::vector<pid_t>{world.told(key).pid});
}

TEST_P(Checking, ByTheAppsUser)
{
    const passwd* nobody = ::getpwnam("nobody");
    if (::geteuid() != 0 || nobody == nullptr) GTEST_SKIP() << "only root can change users";
    model::AppSpec spec = spec_of("sleep", {"1000"});
    spec.user = "nobody";
    const uid_t uid = nobody->pw_uid;
    EXPECT_TRUE(ask(app({"sh", "-c", "id -u; exit 1"}, spec)).ends_with(fmt::format(": {}", uid))) << *said;
}

TEST_P(Checking, IsKilledWithAllItStartedWhenItsTimeIsOver)
{
    const std::string pids = world.path("pids");
    const auto key = line("sleep 1001 & echo $$ $! > " + pids + "; echo waiting; wait");
    begin(key, milliseconds(500));
    ASSERT_TRUE(world.until([&] { return numbers(content("pids")).size() == 2; }));
    ASSERT_TRUE(world.until([&] { return said.has_value(); }));
    EXPECT_NE(said->find("took longer than 500ms: waiting"), std::string::npos) << *said;
    for (const pid_t pid : numbers(content("pids"))) EXPECT_TRUE(world.until([&] { return !is_alive(pid); })) << pid;
    EXPECT_TRUE(is_alive(world.told(key).pid)) << "it alone";
}

TEST_P(Checking, LeavesNothingBehind)
{
    const std::string pids = world.path("pids");
    const auto key = line("sleep 1002 & echo $! > " + pids);
    EXPECT_EQ(ask(key), "");
    const auto left = numbers(content("pids"));
    ASSERT_EQ(left.size(), 1U);
    EXPECT_TRUE(world.until([&] { return !is_alive(left[0]); }));
}

TEST_P(Checking, EndsWhenNobodyWantsItAnyMore)
{
    const std::size_t before = open_fds();
    const std::string pids = world.path("pids");
    const auto key = line("echo $$ > " + pids + "; exec sleep 1003");
    const std::size_t with_app = open_fds();
    begin(key);
    ASSERT_TRUE(world.until([&] { return numbers(content("pids")).size() == 1; }));
    const bool in_group = world.launcher->owns(key, numbers(content("pids"))[0]);
    EXPECT_EQ(in_group, !world.launcher->cgroup_root().empty());
    check.reset();
    EXPECT_TRUE(world.until([&] { return !is_alive(numbers(content("pids"))[0]); }));
    EXPECT_FALSE(said);
    EXPECT_EQ(open_fds(), with_app);
    EXPECT_GT(with_app, before);
}

TEST_P(Checking, IsOverBeforeAnotherPmdIsExecuted)
{
    const std::string pids = world.path("pids");
    const auto key = line("echo $$ > " + pids + "; exec sleep 1004");
    begin(key);
    ASSERT_TRUE(world.until([&] { return numbers(content("pids")).size() == 1; }));
    world.launcher->pause();
    EXPECT_NE(said.value_or("").find("upgraded"), std::string::npos);
    EXPECT_FALSE(world.launcher->check(key, seconds(1), [](const base::Result<void>&) {}));
    EXPECT_TRUE(world.until([&] { return !is_alive(numbers(content("pids"))[0]); }));
    world.launcher->go_on();
    begin(key);
    EXPECT_TRUE(check);
    check.reset();
}

TEST_P(Checking, TheEndOfTheAppIsToldAsItIsAlsoWhileItIsChecked)
{
    const std::string pids = world.path("pids");
    const auto key = app({"sh", "-c", "echo $$ > " + pids + "; exec sleep 1005"}, spec_of("sleep", {"1000"}));
    begin(key);
    ASSERT_TRUE(world.until([&] { return numbers(content("pids")).size() == 1; }));
    world.launcher->terminate(key, SIGTERM);
    ASSERT_TRUE(world.until([&] { return !is_alive(world.told(key).pid); }));
    check.reset(); // as the engine's answer to the end does
    ASSERT_TRUE(world.until_gone(key));
    EXPECT_EQ(world.told(key).gone->code, SIGTERM);
}

INSTANTIATE_TEST_SUITE_P(Trees, Checking, testing::Bool(),
                         [](const auto& row) { return row.param ? "cgroups" : "process_trees"; });

} // namespace
} // namespace pm::launch::test
