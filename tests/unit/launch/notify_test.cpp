// SPDX-License-Identifier: Apache-2.0
// Programs that use the notify socket, under the real launcher: it knows who speaks for whom.
#include "world.hpp"

#include "../channel/heard.hpp"
#include "channel/notify_socket.hpp"

#include <csignal>
#include <unistd.h>

namespace pm::launch::test {
namespace {

using Lines = std::vector<std::string>;

class Notifying : public Launching {
protected:
    void SetUp() override
    {
        Launching::SetUp();
        if (::access("/usr/bin/systemd-notify", X_OK) < 0) GTEST_SKIP() << "needs systemd-notify";
        sockets.set_events(heard);
        world.channels.add(sockets);
    }
    static model::AppSpec notifying(std::string line, model::Milliseconds watchdog = {})
    {
        auto spec = shell(std::move(line));
        spec.serving.ready = model::ReadyWhen::Notify;
        spec.serving.watchdog = watchdog;
        return spec;
    }
    std::string socket_of(engine::ProcessKey key) const
    {
        return world.path("notify/" + std::to_string(key.id.value) + "." + std::to_string(key.generation.value));
    }

    Lines warnings;
    channel::test::Heard heard;
    channel::NotifySockets sockets{world.loop, world.path("notify"),
                                   [this](engine::ProcessKey key, pid_t pid) { return world.launcher->owns(key, pid); },
                                   [this](const std::string& text) { warnings.push_back(text); }};
};

TEST_P(Notifying, a_child_that_is_soon_gone_says_ready)
{
    const auto key = world.launch(notifying("systemd-notify --ready --status=up && echo passed && exec sleep 1000"));
    ASSERT_TRUE(world.until_text(key, "passed"));
    EXPECT_EQ(heard.of[key], (Lines{"status up", "ready by notify"}));
    EXPECT_EQ(warnings, Lines{});
}

TEST_P(Notifying, a_child_that_does_not_wait_says_ready)
{
    const auto key = world.launch(notifying("systemd-notify --no-block --ready; exec sleep 1000"));
    ASSERT_TRUE(world.until([&] { return !heard.of[key].empty(); }));
    EXPECT_EQ(heard.of[key], Lines{"ready by notify"});
}

TEST_P(Notifying, a_daemon_in_a_session_of_its_own_says_ready)
{
    const auto key = world.launch(notifying("(setsid sh -c 'systemd-notify --ready && echo passed; exec sleep 1000' &) ; exec sleep 1000"));
    ASSERT_TRUE(world.until_text(key, "passed"));
    EXPECT_EQ(heard.of[key], Lines{"ready by notify"});
    EXPECT_EQ(warnings, Lines{});
}

TEST_P(Notifying, another_app_does_not_speak_for_it)
{
    const auto key = world.launch(notifying("exec sleep 1000"));
    ASSERT_TRUE(world.until_running(key)) << world.told(key).gone.value_or(model::ExitInfo{}).detail;
    const auto other = world.launch(notifying("NOTIFY_SOCKET=" + socket_of(key) + " systemd-notify --ready; systemd-notify --ready; exec sleep 1000"));
    ASSERT_TRUE(world.until([&] { return !heard.of[other].empty(); }));
    EXPECT_TRUE(heard.of[key].empty());
    ASSERT_EQ(warnings.size(), 1U);
    EXPECT_NE(warnings[0].find("is not of it"), std::string::npos) << warnings[0];
}

TEST_P(Notifying, an_app_of_another_user_says_ready)
{
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    auto spec = notifying("systemd-notify --ready && echo passed; exec sleep 1000");
    spec.user = "nobody";
    const auto key = world.launch(spec);
    ASSERT_TRUE(world.until_text(key, "passed"));
    EXPECT_EQ(heard.of[key], Lines{"ready by notify"});
    EXPECT_EQ(warnings, Lines{});
}

TEST_P(Notifying, signs_of_life_that_stop_are_missed)
{
    const auto key = world.launch(notifying("systemd-notify --ready; for i in 1 2 3 4 5 6; do systemd-notify WATCHDOG=1; done; "
                                            "echo silent; exec sleep 1000", model::Milliseconds(400)));
    ASSERT_TRUE(world.until_text(key, "silent"));
    EXPECT_EQ(heard.of[key], Lines{"ready by notify"});
    ASSERT_TRUE(world.until([&] { return heard.of[key].size() > 1; }));
    EXPECT_EQ(heard.of[key][1], "watchdog: no WATCHDOG=1 for 400ms");
}

TEST_P(Notifying, nothing_is_left_of_one_that_has_ended)
{
    std::string text;
    world.run(notifying("systemd-notify --ready; systemd-notify STOPPING=1; test -S $NOTIFY_SOCKET && echo $NOTIFY_SOCKET"), &text);
    const engine::ProcessKey key{base::InstanceId{1}, base::Generation{1}};
    EXPECT_EQ(heard.of[key], (Lines{"ready by notify", "stopping"}));
    EXPECT_EQ(text, socket_of(key) + "\n");
    EXPECT_FALSE(std::filesystem::exists(socket_of(key)));
}

INSTANTIATE_TEST_SUITE_P(Trees, Notifying, testing::Bool(),
                         [](const auto& row) { return row.param ? "cgroups" : "process_trees"; });

} // namespace
} // namespace pm::launch::test
