// SPDX-License-Identifier: Apache-2.0
// Real Node processes whose primary is pmd, in every mode of Node's cluster.
#include "node_cluster_world.hpp"

#include <cstdlib>
#include <filesystem>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <thread>

namespace pm::channel::test {
namespace {

TEST_P(NodeClusterWorld, WorkersShareOnePort)
{
    program(kPid);
    serve(0);
    serve(1);
    std::set<std::string> pids;
    beside([&] {
        for (int count = 0; count < 3000 && pids.size() < 2; ++count) {
            std::vector<std::thread> clients;
            std::vector<std::string> answers(8);
            for (std::string& one : answers) clients.emplace_back([&] { one = get(port); });
            for (std::thread& one : clients) one.join();
            pids.insert(answers.begin(), answers.end());
        }
    });
    EXPECT_EQ(pids.size(), 2U);
    for (const std::string& pid : pids) EXPECT_EQ(pid.find("error"), std::string::npos) << pid;
    EXPECT_EQ(channels->addresses("web"), std::vector<std::string>{fmt::format("tcp *:{}", port)});
}

TEST_P(NodeClusterWorld, APlainServerIsCarriedOn)
{
    spec.script = HTTP_JS;
    serve();
    EXPECT_EQ(answer(), "hey");
    channels->rests("web");
    EXPECT_EQ(answer(), "error: connect: 111") << "the port was the app's";
}

TEST_P(NodeClusterWorld, AUnixSocketIsMadeSharedAndRemoved)
{
    const std::string path = directory + "/web.sock";
    program(
        R"(require('http').createServer((q, a) => a.end('hey')).listen({path: process.env.SOCK, readableAll: true, writableAll: true});)");
    spec.env["SOCK"] = path;
    std::filesystem::remove(path);
    serve(0);
    serve(1);
    struct stat status {};
    ASSERT_EQ(::stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0777U);
    EXPECT_EQ(answer_at([&] { return get(path); }), "hey");
    EXPECT_EQ(channels->addresses("web"), std::vector<std::string>{"unix:" + path});
    channels->rests("web");
    EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_P(NodeClusterWorld, PacketsReachAWorker)
{
    program(R"(const s = require('dgram').createSocket('udp4');
        s.on('message', (m, r) => s.send('got ' + m, r.port, r.address)); s.bind(+process.env.PORT, '127.0.0.1');)");
    serve(0);
    serve(1);
    EXPECT_EQ(answer_at([&] { return packet(port, "this"); }), "got this");
    EXPECT_EQ(channels->addresses("web"), std::vector<std::string>{fmt::format("udp 127.0.0.1:{}", port)});
}

TEST_P(NodeClusterWorld, AFreePortIsTheSameForAll)
{
    program(R"(const s = require('net').createServer().listen(0, () => process.send(s.address().port));
        const t = require('net').createServer().listen(0, () => process.send(-t.address().port));)");
    const ProcessKey keys[] = {start(0), start(1)};
    ASSERT_TRUE(until([&] { return said[keys[0]].messages.size() == 2 && said[keys[1]].messages.size() == 2; }));
    EXPECT_EQ(said[keys[0]].messages, said[keys[1]].messages);
    EXPECT_TRUE(until([&] { return channels->addresses("web").size() == 2; })); // in turns a worker may speak before it tells that it listens
}

TEST_P(NodeClusterWorld, TwoPortsAreTwoSockets)
{
    const std::uint16_t other = free_port();
    spec.env["OTHER"] = std::to_string(other);
    program(
        R"(for (const p of [process.env.PORT, process.env.OTHER]) require('http').createServer((q, a) => a.end(p)).listen(+p, '0.0.0.0', 16);)");
    serve();
    ASSERT_TRUE(until([&] { return channels->addresses("web").size() == 2; }));
    EXPECT_EQ(answer(), std::to_string(port));
    EXPECT_EQ(answer_at([&] { return get(other); }), std::to_string(other));
}

TEST_P(NodeClusterWorld, WhatCannotBeHadIsToldToTheProgram)
{
    const base::Fd taken = listening(port);
    program(R"(const s = require('net').createServer(); s.on('error', e => process.send(e.code)); s.listen(+process.env.PORT);
        const t = require('net').createServer(); t.on('error', e => process.send('path ' + e.code)); t.listen('/no/such/directory/x');
        const u = require('net').createServer(); u.on('error', e => process.send('fd ' + e.code)); u.listen({fd: 9});)");
    const ProcessKey key = start();
    ASSERT_TRUE(until([&] { return said[key].messages.size() == 3; }));
    EXPECT_EQ(said[key].messages, (std::vector<std::string>{R"("EADDRINUSE")", R"("path EACCES")", R"("fd EBADF")"}));
}

TEST_P(NodeClusterWorld, AnErrorIsForgottenWhenItsReasonIsGone)
{
    base::Fd taken = listening(port);
    program(R"(const s = require('http').createServer((q, a) => a.end('hey'));
        s.once('error', () => process.send('error')); process.on('message', () => s.listen(+process.env.PORT)); s.listen(+process.env.PORT);)");
    const ProcessKey key = start();
    ASSERT_TRUE(until([&] { return !said[key].messages.empty(); }));
    taken.reset();
    ASSERT_TRUE(channels->send(key, R"("again")"));
    ASSERT_TRUE(until_ready(key));
    EXPECT_EQ(answer(), "hey");
}

TEST_P(NodeClusterWorld, APortIsHadOnceByOneProcessAndAgainAfterItClosedIt)
{
    program(R"(const net = require('net'); const a = net.createServer(), b = net.createServer(), p = +process.env.PORT;
        b.on('error', e => { process.send(e.code); a.close(() => net.createServer().listen(p, () => process.send('again'))); });
        a.listen(p, () => b.listen(p));)");
    const ProcessKey key = start();
    ASSERT_TRUE(until([&] { return said[key].messages.size() == 2; }));
    EXPECT_EQ(said[key].messages, (std::vector<std::string>{R"("EADDRINUSE")", R"("again")"}));
}

TEST_P(NodeClusterWorld, ASocketOfListenIsListenedOnByItsNumber)
{
    const base::Fd held = listening(port);
    listened = {held.get()};
    spec.listen.push_back({.port = port, .name = "http"});
    program(R"(require('http').createServer((q, a) => a.end('hey')).listen({fd: 3});)");
    serve(0);
    serve(1);
    EXPECT_EQ(answer(), "hey");
    channels->rests("web");
    EXPECT_EQ(answer(), "hey") << "it is not the cluster's to shut down";
}

TEST_P(NodeClusterWorld, ADismissedWorkerEndsWhenItsWorkIsDone)
{
    program(
        R"(let n = 0; require('http').createServer((q, a) => { process.send('asked'); process.on('message', () => a.end('hey')); }).listen(+process.env.PORT);)");
    const ProcessKey key = serve();
    beside(
        [&, asked = std::string()]() mutable {
            std::thread client([&] { asked = get(port); });
            client.join();
            EXPECT_EQ(asked, "hey");
        },
        [&] {
            ASSERT_TRUE(until([&] { return !said[key].messages.empty(); }));
            EXPECT_TRUE(channels->dismiss(key));
            EXPECT_FALSE(said[key].drained);
            ASSERT_TRUE(channels->send(key, "1"));
        });
    ASSERT_TRUE(until_gone(key));
    EXPECT_EQ(said[key].exit.code, 0);
    EXPECT_FALSE(channels->dismiss(key));
}

TEST_P(NodeClusterWorld, OneThatHasOtherThingsToDoIsDrainedAndStays)
{
    program(std::string(kPid) + "setInterval(() => {}, 1000);");
    const ProcessKey key = serve();
    EXPECT_TRUE(channels->dismiss(key));
    ASSERT_TRUE(until([&] { return said[key].drained; }));
    EXPECT_FALSE(said[key].gone);
    EXPECT_FALSE(channels->dismiss(key));
}

TEST_P(NodeClusterWorld, AWorkerMayGoByItself)
{
    program("require('http').createServer().listen(+process.env.PORT, () => require('cluster').worker.disconnect());");
    const ProcessKey key = start();
    ASSERT_TRUE(until_gone(key));
    EXPECT_EQ(said[key].exit.code, 0);
}

TEST_P(NodeClusterWorld, ReplacingWorkersUnderLoadLosesNothing)
{
    drain_script = DRAIN_SCRIPT; // Node 26 needs it for this too
    make_channels();
    program(kPid);
    ProcessKey now[] = {serve(0), serve(1)};
    std::atomic<bool> enough = false;
    std::atomic<int> answered = 0;
    std::set<std::string> failures;
    const auto ask = [&](std::set<std::string>& failed) {
        while (!enough) {
            const std::string text = get(port);
            if (text.find("error") != std::string::npos) failed.insert(text);
            ++answered;
        }
    };
    std::set<std::string> failed[4];
    beside(
        [&] {
            std::vector<std::thread> clients;
            for (auto& one : failed) clients.emplace_back(ask, std::ref(one));
            for (std::thread& one : clients) one.join();
        },
        [&] {
            for (int round = 0; round < 3; ++round)
                for (std::uint32_t slot = 0; slot < 2; ++slot) {
                    const ProcessKey next = serve(slot);
                    const int before = answered;
                    EXPECT_TRUE(channels->dismiss(now[slot]));
                    EXPECT_TRUE(until_gone(now[slot]));
                    EXPECT_TRUE(until([&] { return answered > before + 50; }));
                    now[slot] = next;
                }
            enough = true;
        });
    for (const auto& one : failed) EXPECT_TRUE(one.empty()) << *one.begin();
    EXPECT_GT(answered, 300);
}

TEST_P(NodeClusterWorld, AConnectionThatIsKeptAliveEndsWithItsNextAnswer)
{
    drain_script = DRAIN_SCRIPT;
    make_channels();
    program(kTellsWhenItCloses);
    const ProcessKey key = serve();
    base::Fd client;
    std::string first, second;
    beside([&] {
        client = connected(port);
        first = ask_again(client.get());
    });
    ASSERT_TRUE(channels->dismiss(key));
    ASSERT_TRUE(until([&] { return output().find("closing") != std::string::npos; }));
    beside([&] { second = ask_again(client.get()); });
    EXPECT_NE(first.find("hey"), std::string::npos) << first;
    EXPECT_NE(second.find("hey"), std::string::npos) << second;
    EXPECT_NE(second.find("Connection: close"), std::string::npos) << second;
    EXPECT_TRUE(until_gone(key));
}

TEST_P(NodeClusterWorld, AProgramOfModulesIsLoadedWithTheScriptToo)
{
    drain_script = DRAIN_SCRIPT;
    make_channels();
    program("import http from 'node:http'; http.createServer((q, a) => a.end('hey')).listen(+process.env.PORT);", "app.mjs");
    serve();
    EXPECT_EQ(answer(), "hey");
}

constexpr const char* kTls = R"(const fs = require('fs');
require('tls').createServer({key: fs.readFileSync('key'), cert: fs.readFileSync('cert'), maxVersion: 'TLSv1.2'}, s => s.end(String(process.pid)))
    .listen(+process.env.PORT);)";
/// Prints "true" for each connection that went on with the session of the very first.
constexpr const char* kTlsClient = R"(const tls = require('tls'), fs = require('fs'); let left = 3;
(function next() {
  if (left-- === 0) return;
  const session = fs.existsSync('session') ? fs.readFileSync('session') : undefined;
  const c = tls.connect({port: +process.argv[2], host: '127.0.0.1', rejectUnauthorized: false, session}, () => {
    if (!session) fs.writeFileSync('session', c.getSession());
    console.log(c.isSessionReused()); });
  c.on('data', () => {}); c.on('close', next); })();)";

TEST_P(NodeClusterWorld, SessionsOfTlsGoOnWithOtherWorkers)
{
    const std::string in = "cd " + directory + " && ";
    if (std::system(
            (in + "openssl req -x509 -newkey rsa:2048 -nodes -keyout key -out cert -subj /CN=x >/dev/null 2>&1").c_str()) != 0)
        GTEST_SKIP() << "there is no openssl in PATH";
    program(kTlsClient, "client.js");
    program(kTls);
    const auto ask = [&] {
        // Its status may be lost: the launcher reaps every child of this process.
        beside([&] {
            [[maybe_unused]] const int status =
                std::system((in + "node client.js " + std::to_string(port) + " >>output 2>&1").c_str());
        });
        return output();
    };
    const ProcessKey old = serve(0);
    EXPECT_EQ(ask(), "false\ntrue\ntrue\n");
    serve(0);
    EXPECT_TRUE(channels->dismiss(old));
    ASSERT_TRUE(until_gone(old));
    EXPECT_EQ(ask(), "false\ntrue\ntrue\ntrue\ntrue\ntrue\n");
}

INSTANTIATE_TEST_SUITE_P(Modes, NodeClusterWorld,
                         ::testing::Values(ClusterMode::Shared, ClusterMode::RoundRobin, ClusterMode::ReusePort),
                         [](const auto& row) {
                             return row.param == ClusterMode::Shared       ? "shared"
                                    : row.param == ClusterMode::RoundRobin ? "turns"
                                                                           : "reuseport";
                         });

} // namespace
} // namespace pm::channel::test
