// SPDX-License-Identifier: Apache-2.0
// `ready: probe`: what is asked decides when an app is online and whether a reload goes on.
#include "fixture.hpp"

#include <arpa/inet.h>
#include <cstdint>
#include <filesystem>
#include <fmt/format.h>
#include <sys/socket.h>

namespace pm::test {
namespace {

/// Answers 503 until there is a file "ready" in its directory, then 200; at PORT.
constexpr const char* kServer = R"(import http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if os.path.exists("ready") else 503)
        self.end_headers()
    def log_message(self, *_): pass
http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
)";

class ReadyByProbe : public DaemonTest {
protected:
    void SetUp() override
    {
        DaemonTest::SetUp();
        dir_.write("server.py", kServer);
    }
    /// An app at rest.
    void have(const std::string& more) { load(fmt::format("apps: [{{name: web, autostart: false, {}}}]", more)); }
    std::string reason() { return only("web").reason; }
    bool until_reason(const std::string& part)
    {
        return ask_until([&] { return reason().find(part) != std::string::npos; }, "the reason " + part);
    }
    std::string answered() const { return fmt::format("http://127.0.0.1:{}/up: answered 503", port_); }
    std::string server() const
    {
        return fmt::format("script: server.py, interpreter: python3, port: {}, health: {{http: 'http://127.0.0.1:$PORT/up', interval: 200ms}}", port_);
    }
    /// A program whose generation N is ready when there is a file "ready.N".
    static std::string generations(const std::string& more)
    {
        return "script: sleep, args: ['100000'], reload: {mode: rolling}, " + more +
               R"(, health: {exec: [sh, -c, 'test -e "ready.$PM_GENERATION" || { echo "$PM_GENERATION of $MAINPID is not"; exit 4; }'], interval: 100ms})";
    }

    /// systemd does not tell the exit code of what leaves nothing behind.
    static std::string refusal() { return on_systemd() ? "sh: failed" : "sh: exit code 4"; }

    static bool is_free(int port)
    {
        const base::Fd one(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(static_cast<uint16_t>(port));
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        return port <= UINT16_MAX && bind(one.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    }

    int port_ = free_port();
};

TEST_F(ReadyByProbe, AnAppIsOnlineWhenTheServerAnswersWell)
{
    have(server());
    const auto start = call_later("Start", "web");
    until_reason(answered());
    EXPECT_EQ(only("web").status, "starting");
    EXPECT_FALSE(start->ended);
    dir_.write("ready", "");
    process_until([&] { return start->ended; }, "the end of the start");
    EXPECT_EQ(start->error_message, "");
    EXPECT_EQ(only("web").status, "online");
    EXPECT_EQ(reason(), "");
}

TEST_F(ReadyByProbe, OneThatNeverAnswersWellFailsAndSaysWhy)
{
    have(server() + ", listen_timeout: 5s, autorestart: false");
    const sdbus::Error error = error_of([&] { manager_->Start("web", {}); });
    EXPECT_NE(error.getMessage().find("not ready within 5s (listen_timeout): " + answered()), std::string::npos) << error.getMessage();
}

TEST_F(ReadyByProbe, EachInstanceIsAskedAtAPortOfItsOwn)
{
    dir_.write("ready", "");
    while (!is_free(port_ + 1)) port_ = free_port();
    const int other = port_ + 1;
    load(fmt::format("apps: [{{name: web, {}, increment_var: PORT, instances: 2, cluster: none}}]", server()));
    EXPECT_EQ(list("web").size(), 2U);
    for (const Instance& instance : list("web")) EXPECT_EQ(instance.status, "online") << instance.reason;
    for (const int port : {port_, other}) EXPECT_NE(http_get(port, "/").find("200"), std::string::npos) << port;
}

TEST_F(ReadyByProbe, AReloadKeepsTheOldProcessUntilTheCommandSucceedsForTheNewOne)
{
    dir_.write("ready.1", "");
    have(generations("listen_timeout: 20s"));
    manager_->Start("web", {});
    const Instance old = only("web");
    const auto reload = call_later("Reload", "web");
    until_reason("waiting for its successor to be ready: " + refusal() + ": 2 of ");
    EXPECT_EQ(only("web").pid, old.pid);
    EXPECT_EQ(reason().find(fmt::format("2 of {} is", old.pid)), std::string::npos) << "MAINPID is that of the new one";
    dir_.write("ready.2", "");
    process_until([&] { return reload->ended; }, "the end of the reload");
    EXPECT_EQ(reload->error_message, "");
    EXPECT_NE(only("web").pid, old.pid);
    EXPECT_FALSE(is_running(old.pid));
}

TEST_F(ReadyByProbe, AReloadWhoseProcessIsNeverReadyIsTakenBack)
{
    dir_.write("ready.1", "");
    have(generations("listen_timeout: 1s"));
    manager_->Start("web", {});
    const Instance old = only("web");
    const sdbus::Error error = error_of([&] { manager_->Reload("web", {}); });
    EXPECT_EQ(error.getName(), "org.pmd1.Error.ReloadFailed");
    EXPECT_NE(error.getMessage().find("not ready within 1s (listen_timeout): " + refusal() + ": 2 of "), std::string::npos) << error.getMessage();
    EXPECT_EQ(only("web").pid, old.pid);
    EXPECT_EQ(only("web").status, "online");
}

TEST_F(ReadyByProbe, ACommandThatHangsIsKilledAndTheNextOneAsked)
{
    // The first one hangs, with a child; the second succeeds.
    have("script: sleep, args: ['100000'], health: {exec: [sh, -c, 'if mkdir once; then sleep 100001 & echo $! > child.new; mv child.new child; wait; fi'], timeout: 500ms}");
    manager_->Start("web", {});
    EXPECT_EQ(only("web").status, "online");
    const pid_t child = std::stoi(read_file(dir_.path() + "/child"));
    wait_gone(child);
}

TEST_F(ReadyByProbe, AStopWhileItIsCheckedLeavesNothing)
{
    have("script: sleep, args: ['100000'], health: {exec: [sh, -c, 'echo $$ > check.new; mv check.new check; exec sleep 100002'], timeout: 20s}, listen_timeout: 20s");
    const auto start = call_later("Start", "web");
    ask_until([&] { return std::filesystem::exists(dir_.path() + "/check"); }, "the check");
    manager_->Stop("web", {});
    wait_gone(std::stoi(read_file(dir_.path() + "/check")));
    process_until([&] { return start->ended; }, "the end of the start");
    EXPECT_EQ(only("web").status, "stopped");
}

TEST_F(ReadyByProbe, TheNextPmdGoesOnAsking)
{
    have(server() + ", listen_timeout: 60s");
    const auto start = call_later("Start", "web");
    until_reason(answered());
    const pid_t pid = only("web").pid;
    upgrade();
    EXPECT_EQ(only("web").status, "starting");
    EXPECT_EQ(only("web").pid, pid);
    dir_.write("ready", "");
    ask_until([&] { return only("web").status == "online"; }, "its readiness");
    EXPECT_EQ(only("web").pid, pid);
    EXPECT_EQ(reason(), "");
}

} // namespace
} // namespace pm::test
