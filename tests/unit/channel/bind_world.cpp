// SPDX-License-Identifier: Apache-2.0
#include "bind_world.hpp"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

namespace pm::channel::test {
namespace {

/// 0, or why no process here can be given a filter with a listener.
int no_notifications()
{
    const pid_t child = ::fork();
    if (child == 0) {
        sock_filter pass = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
        const sock_fprog program{1, &pass};
        ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        ::_exit(::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program) < 0 ? errno : 0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WEXITSTATUS(status);
}

} // namespace

BindWorld::BindWorld()
{
    std::string pattern = (std::filesystem::temp_directory_path() / "pm-bind-XXXXXX").string();
    directory = ::mkdtemp(pattern.data());
    ::chmod(directory.c_str(), 0777); // apps of other users bind there
    make_broker();
}

BindWorld::~BindWorld()
{
    for (const auto& [key, one] : told)
        if (!one.gone) launcher->kill(key);
    until([&] { return std::ranges::all_of(told, [](const auto& entry) { return entry.second.gone.has_value(); }); });
    launcher.reset();
    std::filesystem::remove_all(directory);
}

void BindWorld::SetUp()
{
    if (const int why = no_notifications()) GTEST_SKIP() << "no seccomp user notification here: " << std::strerror(why);
    launch::DirectOptions options;
    options.pm_exec = PM_EXEC;
    options.path = "/usr/local/bin:/usr/bin:/bin";
    launcher = std::make_unique<launch::DirectLauncher>(loop, *this, *this, *broker, options,
                                                        [this](const std::string& text) { warnings.push_back(text); });
    launcher->set_events(*this);
}

void BindWorld::make_broker()
{
    const auto cluster_of = [](const model::AppSpec& spec) {
        if (spec.name == "even") return model::ClusterMode::ReusePortBpf;
        return spec.name == "alone" ? model::ClusterMode::None : model::ClusterMode::Transparent;
    };
    broker.emplace(loop, cluster_of, [this](ProcessKey key) { return launcher->members(key); }, [this](const std::string& text) { warnings.push_back(text); });
    broker->set_events(*this);
    broker->set_depot(depot);
}

model::AppSpec BindWorld::server(const std::string& mode, const std::string& place)
{
    model::AppSpec spec;
    spec.name = "web";
    spec.script = BINDING_SERVER;
    spec.args = {mode, place};
    spec.cwd = "/";
    return spec;
}

ProcessKey BindWorld::launch(const std::string& mode, const std::string& place, std::uint32_t id)
{
    return launch(server(mode, place), id);
}

ProcessKey BindWorld::launch(model::AppSpec spec, std::uint32_t id)
{
    const ProcessKey key{base::InstanceId{id}, base::Generation{++generation}};
    told[key];
    requests[key] = {key, base::Slot{id}, std::make_shared<model::AppSpec>(std::move(spec)), true};
    launcher->launch(requests[key]);
    return key;
}

bool BindWorld::until(const std::function<bool()>& done)
{
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!done()) {
        if (std::chrono::steady_clock::now() > deadline) return false;
        loop.run_once(std::chrono::milliseconds(20));
    }
    return true;
}

bool BindWorld::until_text(ProcessKey key, const std::string& wanted)
{
    const bool came = until([&] { return text(key).find(wanted) != std::string::npos || told[key].gone; });
    return came && text(key).find(wanted) != std::string::npos;
}

bool BindWorld::until_ready(ProcessKey key)
{
    return until([&] { return told[key].ready > 0 || told[key].gone; }) && told[key].ready == 1;
}

void BindWorld::kill(ProcessKey key)
{
    launcher->kill(key);
    EXPECT_TRUE(until([&] { return told[key].gone.has_value(); }));
}

pid_t BindWorld::ask(const std::string& place)
{
    const bool local = place[0] == '/' || place[0] == '@';
    SocketAddress at;
    at.bytes.ss_family = local ? AF_UNIX : AF_INET;
    if (local) {
        char* const name = reinterpret_cast<char*>(&at.bytes) + offsetof(sockaddr_un, sun_path);
        std::memcpy(name, place.data(), place.size());
        if (place[0] == '@') name[0] = '\0';
        at.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + place.size());
    } else {
        auto* const ip = reinterpret_cast<sockaddr_in*>(&at.bytes);
        ip->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        ip->sin_port = htons(static_cast<std::uint16_t>(std::stoi(place)));
        at.size = sizeof(sockaddr_in);
    }
    const base::Fd asking(::socket(at.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (::connect(asking.get(), at.get(), at.size) < 0) return 0;
    pollfd ready{asking.get(), POLLIN, 0};
    char answer[32] = "";
    return ::poll(&ready, 1, 5'000) == 1 && ::read(asking.get(), answer, sizeof answer - 1) > 0 ? std::atoi(answer) : 0;
}

bool BindWorld::all_answer(const std::string& place, const std::vector<ProcessKey>& keys)
{
    std::set<pid_t> left;
    for (const ProcessKey key : keys) left.insert(told[key].pid);
    for (int i = 0; i < 2'000 && !left.empty(); ++i) {
        const pid_t who = ask(place);
        if (who == 0) return false;
        left.erase(who);
    }
    return left.empty();
}

const std::string& BindWorld::text(ProcessKey key)
{
    Told& one = told[key];
    char buffer[4096];
    for (ssize_t got = 0; one.out && (got = ::read(one.out.get(), buffer, sizeof buffer)) > 0;)
        one.text.append(buffer, static_cast<std::size_t>(got));
    return one.text;
}

std::string BindWorld::free_port()
{
    const base::Fd probe(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in any{};
    any.sin_family = AF_INET;
    any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof any;
    EXPECT_EQ(::bind(probe.get(), reinterpret_cast<sockaddr*>(&any), size), 0);
    EXPECT_EQ(::getsockname(probe.get(), reinterpret_cast<sockaddr*>(&any), &size), 0);
    return std::to_string(ntohs(any.sin_port));
}

void BindWorld::on_running(ProcessKey key, pid_t pid)
{
    told[key].running = true;
    told[key].pid = pid;
    broker->runs(key, pid);
}

void BindWorld::on_gone(ProcessKey key, const model::ExitInfo& exit)
{
    told[key].gone = exit;
    broker->ended(key);
}

base::Result<engine::Stdio> BindWorld::open(const engine::LaunchRequest& request, const model::SharedIdentity&)
{
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) < 0) return base::fail_errno("making a pipe", errno);
    ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
    told[request.key].out = base::Fd(ends[0]);
    return engine::Stdio{base::Fd(ends[1]), base::Fd(::fcntl(ends[1], F_DUPFD_CLOEXEC, 3))};
}

} // namespace pm::channel::test
