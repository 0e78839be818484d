// SPDX-License-Identifier: Apache-2.0
// What apps write, seen from outside, and the real programs of the examples.
#include "fixture.hpp"

#include <algorithm>
#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace pm::test {
namespace {

class Logs : public DaemonTest {};

TEST_F(Logs, BothStreamsAreKeptByLineAndFollowed)
{
    load("apps: [{name: talk, script: 'echo one; echo oops >&2; printf par; printf tial; echo; exec sleep 1000'}]");
    sdbus::UnixFd log = manager_->OpenLog("talk", {});
    const std::string line = read_until(log.get(), "partial");
    EXPECT_NE(line.find("\"stream\":\"out\""), std::string::npos) << line;
    sdbus::UnixFd errors = manager_->OpenLog("talk", {{"stream", sdbus::Variant("err")}, {"format", sdbus::Variant("raw")}});
    EXPECT_EQ(read_until(errors.get(), "oops"), "oops"); // readers get a line after its file
    EXPECT_EQ(read_file(dir_.path() + "/state/logs/talk-0-error.log"), "oops\n");
    EXPECT_EQ(read_file(dir_.path() + "/state/logs/talk-0-out.log"), "one\npartial\n");
}

TEST_F(Logs, AFloodStallsNobody)
{
    load("apps: [{name: flood, script: 'yes flood', out_file: /dev/null}, {name: web, script: sleep, args: [1000]}]");
    for (int i = 0; i < 5; ++i) kill_hard(wait_event("online", "web").pid());
    wait_event("online", "web");
    EXPECT_EQ(only("flood").status, "online");
}

TEST_F(Logs, AReaderThatDoesNotReadDelaysNobody)
{
    load("apps: [{name: flood, script: 'yes flood', out_file: /dev/null}]");
    sdbus::UnixFd stuck = manager_->OpenLog("flood", {});
    sdbus::UnixFd eager = manager_->OpenLog("flood", {{"format", sdbus::Variant(std::string("raw"))}, {"lines", sdbus::Variant(0U)}});
    std::vector<char> piece(1 << 20);
    for (ssize_t seen = 0, count = 0; seen < (16 << 20); seen += count) // far more than one reader's buffer
        ASSERT_GT(count = read(eager.get(), piece.data(), piece.size()), 0);
    manager_->Stop("flood", {});
    EXPECT_EQ(only("flood").status, "stopped");
    EXPECT_FALSE(read_until(stuck.get(), "\"lost\":").empty());
}

TEST_F(Logs, FilesTheAppFileNamesAreWrittenWithTheRightsOfItsUser)
{
    if (geteuid() != 0) GTEST_SKIP() << "only root runs apps as others";
    const std::string home = dir_.path() + "/home";
    chmod(dir_.path().c_str(), 0755);
    std::filesystem::create_directory(home);
    ASSERT_EQ(chown(home.c_str(), 65534, 65534), 0);
    std::filesystem::create_symlink(dir_.path() + "/cron", home + "/err.log"); // where nobody may not write
    load("apps: [{name: n, script: 'echo oops >&2; echo hi; exec sleep 1000', cwd: " + home +
         ", uid: nobody, out_file: out.log, error_file: err.log,"
         " autostart: false}]");
    sdbus::UnixFd out = manager_->OpenLog("n", {{"format", sdbus::Variant("raw")}, {"stream", sdbus::Variant("out")}});
    sdbus::UnixFd err = manager_->OpenLog("n", {{"format", sdbus::Variant("raw")}, {"stream", sdbus::Variant("err")}});
    manager_->Start("n", {});
    read_until(out.get(), "hi"); // readers get a line after its file
    read_until(err.get(), "oops");
    EXPECT_EQ(read_file(home + "/out.log"), "hi\n");
    struct stat status {};
    ASSERT_EQ(stat((home + "/out.log").c_str(), &status), 0);
    EXPECT_EQ(status.st_uid, 65534U);
    const std::string told = read_file(stderr_path_);
    EXPECT_NE(told.find("err.log' as user 'nobody': Permission denied"), std::string::npos) << told;
    EXPECT_FALSE(std::filesystem::exists(dir_.path() + "/cron"));
}

TEST_F(Logs, FilesThatAreNamedAreThoseThatAreWritten)
{
    const std::string out = dir_.path() + "/w.log";
    load("apps: [{name: w, script: 'echo I am $NODE_APP_INSTANCE; exec sleep 1000', out_file: " + out + "}]");
    sdbus::UnixFd all = manager_->OpenLog("w", {{"format", sdbus::Variant("raw")}});
    read_until(all.get(), "I am 0");
    manager_->Scale("w", "2");
    read_until(all.get(), "I am 1");
    App app(*connection_, "/org/pmd1/app/w");
    const std::string second = dir_.path() + "/w-1.log";
    EXPECT_EQ(read_file(second), "I am 1\n");
    auto files = app.LogFiles();
    ASSERT_EQ(files.size(), 2U);
    EXPECT_EQ(std::get<1>(files[0]), out); // it was alone when it was started
    EXPECT_EQ(std::get<1>(files[1]), second);
    sdbus::UnixFd log = manager_->OpenLog("0", {{"format", sdbus::Variant("raw")}, {"follow", sdbus::Variant(false)}});
    EXPECT_EQ(read_until(log.get(), "I am"), "I am 0");
    app.changes.clear();
    manager_->Restart("w", {});
    files = app.LogFiles();
    EXPECT_EQ(std::get<1>(files[0]), dir_.path() + "/w-0.log");
    process_until(
        [&] {
            return std::ranges::any_of(app.changes,
                                       [](const auto& names) { return std::ranges::count(names, "LogFiles") > 0; });
        },
        "PropertiesChanged of LogFiles");
    manager_->Scale("w", "1");
    EXPECT_EQ(std::get<1>(app.LogFiles().at(0)), dir_.path() + "/w-0.log");
}

TEST_F(Logs, OneInstanceIsFollowedById)
{
    load("apps: [{name: w, script: 'echo I am $NODE_APP_INSTANCE; exec sleep 1000', instances: 2}]");
    sdbus::UnixFd log = manager_->OpenLog("1", {{"format", sdbus::Variant("raw")}});
    EXPECT_EQ(read_until(log.get(), "I am"), "I am 1");
}

TEST_F(Logs, WhatHasNoNewlineIsSeenWhileTheAppRuns)
{
    load("apps: [{name: ask, script: 'printf \"Name: \"; exec sleep 1000'}]");
    sdbus::UnixFd log = manager_->OpenLog("ask", {});
    EXPECT_NE(read_until(log.get(), "Name: ").find("\"partial\":true"), std::string::npos);
    EXPECT_EQ(read_file(dir_.path() + "/state/logs/ask-0-out.log"), "Name: ");
}

TEST_F(Logs, WhoFollowsSeesAppsThatAreStartedLater)
{
    EXPECT_EQ(error_of([&] { (void)manager_->OpenLog("all", {}); }).getName(), "org.pmd1.Error.NoSuchApp");
    sdbus::UnixFd all = manager_->OpenLog("all", {{"format", sdbus::Variant("raw")}, {"wait", sdbus::Variant(true)}});
    sdbus::UnixFd of_web = manager_->OpenLog("web", {{"format", sdbus::Variant("raw")}, {"wait", sdbus::Variant(true)}});
    load("apps: [{name: one, script: 'echo I am one; exec sleep 1000'}]");
    EXPECT_EQ(read_until(all.get(), "I am one"), "I am one");
    load("apps: [{name: two, namespace: web, script: 'echo I am two; exec sleep 1000'}]");
    EXPECT_EQ(read_until(all.get(), "I am two"), "I am two");
    EXPECT_EQ(read_until(of_web.get(), "I am two"), "I am two");
    sdbus::UnixFd pattern = manager_->OpenLog("/^t/", {{"format", sdbus::Variant("raw")}, {"lines", sdbus::Variant(0U)}});
    load("apps: [{name: other, script: 'echo I am other; exec sleep 1000'}, {name: three, script: 'echo I am three; exec sleep 1000'}]");
    EXPECT_EQ(read_until(pattern.get(), "I am three"), "I am three");
}

TEST_F(Logs, ADescribedAppTellsThatItsLinesAreLost)
{
    std::filesystem::create_directory(dir_.path() + "/taken");
    load("apps: [{name: w, script: 'while read -r line; do echo $line; done <" + dir_.path() + "/go', out_file: " + dir_.path() +
         "/taken, autostart: false}]");
    ASSERT_EQ(mkfifo((dir_.path() + "/go").c_str(), 0600), 0);
    const base::Fd go(open((dir_.path() + "/go").c_str(), O_RDWR | O_CLOEXEC));
    manager_->Start("w", {});
    sdbus::UnixFd log = manager_->OpenLog("w", {{"format", sdbus::Variant("raw")}});
    ASSERT_EQ(write(go.get(), "x\n", 2), 2);
    EXPECT_EQ(read_until(log.get(), "x"), "x");
    const auto warnings = App(*connection_, "/org/pmd1/app/w").Warnings();
    ASSERT_EQ(warnings.size(), 1U);
    EXPECT_NE(warnings[0].find("/taken': Is a directory"), std::string::npos) << warnings[0];
}

class Servers : public DaemonTest, public ::testing::WithParamInterface<const char*> {};

TEST_P(Servers, AnswerAndComeBackAfterKillNine)
{
    const int port = free_port();
    const std::string node = "const http = require('http');\n"
                             "http.createServer((q, s) => s.end('pid ' + process.pid)).listen(+process.env.PORT,"
                             " () => console.log('listening'));\n";
    const std::string python = "import http.server, os\n"
                               "class H(http.server.BaseHTTPRequestHandler):\n"
                               "    def do_GET(self):\n"
                               "        self.send_response(200); self.end_headers()\n"
                               "        self.wfile.write(b'pid %d' % os.getpid())\n"
                               "s = http.server.HTTPServer(('127.0.0.1', int(os.environ['PORT'])), H)\n"
                               "print('listening')\n"
                               "s.serve_forever()\n";
    const std::string script = GetParam();
    const std::string program = script == "server.js" ? "node" : "python3";
    if (std::system(("command -v " + program + " >/dev/null").c_str()) != 0) GTEST_SKIP() << program << " is not installed";
    dir_.write(script, script == "server.js" ? node : python);
    load("name: web\nscript: " + script + "\nport: " + std::to_string(port));
    sdbus::UnixFd log = manager_->OpenLog("web", {{"format", sdbus::Variant("raw")}});
    read_until(log.get(), "listening");
    const pid_t first = only("web").pid;
    EXPECT_NE(http_get(port, "/").find("pid " + std::to_string(first)), std::string::npos);
    kill_hard(first);
    read_until(log.get(), "listening");
    const pid_t second = only("web").pid;
    EXPECT_NE(first, second);
    EXPECT_NE(http_get(port, "/").find("pid " + std::to_string(second)), std::string::npos);
    manager_->Stop("web", {});
    EXPECT_EQ(http_get(port, "/"), "connect: Connection refused");
}

INSTANTIATE_TEST_SUITE_P(All, Servers, ::testing::Values("server.js", "server.py"),
                         [](const auto& one) { return std::string(one.param) == "server.js" ? "Node" : "Python"; });

/// All numbers that are in the file `name` and what was put aside of it, compressed or not, oldest first.
std::vector<long> numbers_in(const std::string& directory, const std::string& name)
{
    const std::string command = "cd '" + directory + "' && for f in $(ls | grep '^" + name + "\\.' | sort) " + name + "; do case $f in *.gz) gzip -dc $f ;; *) cat $f ;; esac; done";
    std::vector<long> numbers;
    FILE* pipe = popen(command.c_str(), "r");
    long number = 0;
    while (std::fscanf(pipe, "%ld", &number) == 1) numbers.push_back(number);
    pclose(pipe);
    return numbers;
}

TEST_F(Logs, EveryLineIsInOneOfTheFilesThatAreRotatedOnce)
{
    constexpr long kLines = 20'000;
    load("{name: count, script: 'seq " + std::to_string(kLines) + "; exec sleep 1000', cwd: " + dir_.path() + ", out_file: logs/out.log, logs: {rotate: {size: 8K, keep: 1000, compress: true}}}");
    const std::string directory = dir_.path() + "/logs";
    for (int i = 0; i < 3; ++i) upgrade();
    ask_until([&] { return read_file(directory + "/out.log").ends_with(std::to_string(kLines) + "\n"); }, "the last line");
    ask_until(
        [&] {
            for (const auto& entry : std::filesystem::directory_iterator(directory)) {
                const std::string name = entry.path().filename();
                if (name != "out.log" && !name.ends_with(".gz")) return false;
            }
            return true;
        },
        "all that were put aside to be compressed");
    const std::vector<long> numbers = numbers_in(directory, "out.log");
    ASSERT_EQ(numbers.size(), static_cast<std::size_t>(kLines));
    for (long i = 0; i < kLines; ++i) ASSERT_EQ(numbers[static_cast<std::size_t>(i)], i + 1);
    for (const auto& entry : std::filesystem::directory_iterator(directory)) EXPECT_LE(entry.file_size(), 8192U) << entry.path();
}

TEST_F(Logs, RotationChangesWhileTheAppRunsAndCommandsActOnFiles)
{
    load("{name: a, script: 'while read -r line; do echo $line; done <fifo; exec sleep 1000', cwd: " + dir_.path() + ", autostart: false, out_file: out.log, logs: {rotate: {size: 1M}}}");
    ASSERT_EQ(mkfifo((dir_.path() + "/fifo").c_str(), 0600), 0);
    auto start = call_later("Start", "a");
    std::ofstream fifo(dir_.path() + "/fifo");
    process_until([&] { return start->ended; }, "the start");
    const pid_t pid = only("a").pid;
    const auto say = [&](const std::string& line) {
        fifo << line << std::endl;
        ask_until([&] { return read_file(dir_.path() + "/out.log").ends_with(line + "\n"); }, line);
    };
    const auto aside = [&] { return numbers_in(dir_.path(), "out.log").size(); };
    say("1");
    manager_->RotateLogs("a");
    EXPECT_FALSE(std::filesystem::exists(dir_.path() + "/out.log"));
    say("2");
    manager_->FlushLogs("all");
    EXPECT_EQ(read_file(dir_.path() + "/out.log"), "");
    EXPECT_EQ(aside(), 1U);
    std::filesystem::rename(dir_.path() + "/out.log", dir_.path() + "/moved");
    manager_->ReopenLogs("a");
    say("3");
    load("{name: a, script: 'while read -r line; do echo $line; done <fifo; exec sleep 1000', cwd: " + dir_.path() + ", autostart: false, out_file: out.log, logs: {rotate: {size: 4K, keep: 0}}}");
    EXPECT_EQ(only("a").pid, pid);
    say(std::string(5000, '7'));
    say("8");
    ask_until([&] { return aside() == 1; }, "what was put aside to be removed"); // 8 is in the file itself
    load("{name: j, script: sleep 1000, disable_logs: true}");
    EXPECT_EQ(error_of([&] { manager_->FlushLogs("j"); }).getName(), "org.pmd1.Error.NotSupported");
}

} // namespace
} // namespace pm::test
