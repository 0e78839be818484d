// SPDX-License-Identifier: Apache-2.0
#include "launch/process/check_command.hpp"

#include "base/text.hpp"
#include "launch/process/talk.hpp"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

namespace pm::launch {
namespace {

constexpr std::size_t kMostTail = 1024;
constexpr std::size_t kMostShown = 200;
constexpr int kMostReads = 32; ///< more than a pipe holds

} // namespace

engine::LaunchRequest check_request(const engine::LaunchRequest& of)
{
    engine::LaunchRequest request = of;
    auto spec = std::make_shared<model::AppSpec>(*of.spec);
    const std::vector<std::string> command = spec->health.value_or(model::HealthSpec()).command;
    spec->script = command.empty() ? std::string() : command.front();
    spec->args.assign(command.begin() + (command.empty() ? 0 : 1), command.end());
    spec->interpreter = "none";
    spec->listen.clear();
    request.spec = std::move(spec);
    return request;
}

engine::ChannelEnds check_ends(pid_t checked)
{
    engine::ChannelEnds ends;
    ends.environment["MAINPID"] = std::to_string(checked);
    return ends;
}

base::Fd CheckOutput::open(io::EventLoop& loop)
{
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) < 0) return {};
    pipe_.fd = base::Fd(ends[0]);
    base::Fd theirs(ends[1]);
    lift(theirs);
    ::fcntl(pipe_.fd.get(), F_SETFL, O_NONBLOCK); // not of the command's end
    auto source = loop.add_io(pipe_.fd.get(), EPOLLIN, io::Priority::Output, [this](std::uint32_t) {
        if (!read()) pipe_.reset();
    });
    if (source) pipe_.source = *std::move(source);
    return theirs;
}

/// False when there is nothing more to come, or nothing now.
bool CheckOutput::read()
{
    std::array<char, 4096> bytes{};
    const ssize_t got = ::read(pipe_.fd.get(), bytes.data(), bytes.size());
    if (got < 0) return errno == EAGAIN || errno == EINTR;
    tail_.append(bytes.data(), static_cast<std::size_t>(got));
    // Blank lines at the end are not what is wanted of it.
    if (tail_.size() > kMostTail) tail_.erase(0, tail_.size() - kMostTail);
    return got > 0;
}

void CheckOutput::end()
{
    for (int count = 0; pipe_.fd && count < kMostReads; ++count)
        if (!read()) break;
    pipe_.reset();
}

std::string CheckOutput::last_line() const
{
    std::string_view line = base::trim(tail_);
    line = line.substr(line.rfind('\n') + 1); // npos + 1 is 0
    return base::printable(line.substr(0, kMostShown));
}

base::Result<void> check_failed(const model::AppSpec& spec, const std::string& how, const std::string& last_line)
{
    const std::string name = base::printable(spec.script.substr(0, kMostShown));
    return base::fail(base::ErrorCode::Failed, name + ": " + how + (last_line.empty() ? "" : ": " + last_line));
}

} // namespace pm::launch
