// SPDX-License-Identifier: Apache-2.0
#include "world.hpp"

#include "base/text.hpp"
#include "launch/process/process_table.hpp"

#include <cstdlib>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace pm::launch::test {

World::World(bool cgroups) : cgroups_(cgroups)
{
    std::string pattern = (std::filesystem::temp_directory_path() / "pm-launch-XXXXXX").string();
    directory_ = ::mkdtemp(pattern.data());
    channels.add(filters);
    ::chmod(directory_.c_str(), 0755); // apps of other users look into it
    make_launcher({});
}

void World::make_launcher(std::string earlier)
{
    DirectOptions options;
    options.pm_exec = PM_EXEC;
    options.cgroups = cgroups_;
    options.path = "/usr/local/bin:/usr/bin:/bin";
    options.earlier = std::move(earlier);
    launcher = std::make_unique<DirectLauncher>(loop, *this, *this, channels, options,
                                                [this](const std::string& text) { warnings.push_back(text); });
    launcher->set_events(*this);
}

void World::replace_launcher()
{
    std::string state = launcher->state();
    launcher.reset();
    make_launcher(std::move(state));
    for (const auto& [key, request] : requests_)
        if (!told_[key].gone) launcher->adopt(request);
}

void World::recover(engine::ProcessKey key, const std::function<void(Earlier&)>& alter)
{
    auto left = *earlier_from(launcher->trace(std::span(&key, 1)));
    alter(left.processes.at(key));
    launcher.reset();
    make_launcher({});
    launcher->recover(to_bytes(left));
    launcher->adopt(requests_[key]);
}

World::~World()
{
    for (const auto& [key, told] : told_)
        if (!told.gone) launcher->kill(key);
    until([this] {
        for (const auto& [key, told] : told_)
            if (!told.gone) return false;
        return true;
    });
    launcher.reset();
    std::filesystem::remove_all(directory_);
}

engine::ProcessKey World::launch(const model::AppSpec& spec)
{
    const engine::ProcessKey key{base::InstanceId{++last_id_}, base::Generation{1}};
    told_[key];
    requests_[key] = {key, base::Slot{0}, std::make_shared<model::AppSpec>(spec), several};
    launcher->launch(requests_[key]);
    return key;
}

bool World::until(const std::function<bool()>& done)
{
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!done()) {
        if (std::chrono::steady_clock::now() > deadline) return false;
        loop.run_once(std::chrono::milliseconds(20));
    }
    return true;
}

bool World::until_running(engine::ProcessKey key)
{
    return until([&] { return told_[key].running > 0 || told_[key].gone; }) && told_[key].running == 1;
}

bool World::until_gone(engine::ProcessKey key)
{
    return until([&] { return told_[key].gone.has_value(); });
}

model::ExitInfo World::run(const model::AppSpec& spec, std::string* output)
{
    const auto key = launch(spec);
    EXPECT_TRUE(until_gone(key));
    if (output != nullptr) *output = text(key);
    return told_[key].gone.value_or(model::ExitInfo{});
}

const std::string& World::text(engine::ProcessKey key)
{
    Told& told = told_[key];
    char buffer[4096];
    for (ssize_t got = 0; told.out && (got = ::read(told.out.get(), buffer, sizeof buffer)) > 0;)
        told.text.append(buffer, static_cast<std::size_t>(got));
    return told.text;
}

bool World::until_text(engine::ProcessKey key, const std::string& wanted)
{
    return until([&] { return text(key).find(wanted) != std::string::npos; });
}

std::string World::write(const std::string& name, const std::string& content, int mode)
{
    std::ofstream(path(name)) << content;
    ::chmod(path(name).c_str(), static_cast<mode_t>(mode));
    return path(name);
}

void World::on_running(engine::ProcessKey key, pid_t pid)
{
    ++told_[key].running;
    told_[key].pid = pid;
    channels.runs(key, pid);
}

void World::on_main_exited(engine::ProcessKey key, const model::ExitInfo& exit) { told_[key].main_exit = exit; }

void World::on_gone(engine::ProcessKey key, const model::ExitInfo& exit)
{
    told_[key].gone = exit;
    ++told_[key].gone_count;
    channels.ended(key);
}

base::Result<engine::Stdio> World::open(const engine::LaunchRequest& request, const model::SharedIdentity&)
{
    if (null_output) return engine::Stdio{};
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) < 0) return base::fail_errno("making a pipe", errno);
    ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
    told_[request.key].out = base::Fd(ends[0]);
    engine::Stdio stdio{base::Fd(ends[1]), base::Fd(::fcntl(ends[1], F_DUPFD_CLOEXEC, 3))};
    return stdio;
}

model::AppSpec spec_of(std::string script, std::vector<std::string> args)
{
    model::AppSpec spec;
    spec.name = "app";
    spec.script = std::move(script);
    spec.args = std::move(args);
    spec.cwd = "/";
    return spec;
}

model::AppSpec shell(std::string line)
{
    auto spec = spec_of("/bin/sh", {"-c", std::move(line)});
    spec.interpreter = "none";
    return spec;
}

bool is_alive(pid_t pid)
{
    const auto info = read_process(pid);
    return info && !info->ended();
}

std::vector<pid_t> numbers(const std::string& text)
{
    std::vector<pid_t> result;
    for (const std::string& line : base::split(text, '\n'))
        for (const std::string& word : base::split(line, ' '))
            if (const auto number = base::parse_number<pid_t>(word)) result.push_back(*number);
    return result;
}

std::size_t open_fds()
{
    const std::filesystem::directory_iterator all("/proc/self/fd");
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

void Launching::SetUp()
{
    if (GetParam() && world.launcher->cgroup_root().empty()) GTEST_SKIP() << "no writable cgroup2 tree here";
}

INSTANTIATE_TEST_SUITE_P(Trees, Launching, testing::Bool(),
                         [](const auto& row) { return row.param ? "cgroups" : "process_trees"; });

} // namespace pm::launch::test
