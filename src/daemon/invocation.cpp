// SPDX-License-Identifier: Apache-2.0
#include "daemon/invocation.hpp"

#include "base/path.hpp"
#include "daemon/handover.hpp"

#include <algorithm>
#include <array>
#include <climits>
#include <filesystem>
#include <string_view>
#include <sys/auxv.h>
#include <unistd.h>

namespace pm::daemon {
namespace {

std::string own_file()
{
    constexpr std::string_view kDeleted = " (deleted)";
    std::array<char, PATH_MAX> path{};
    const ssize_t length = readlink("/proc/self/exe", path.data(), path.size() - 1);
    std::string file(path.data(), length > 0 ? static_cast<std::size_t>(length) : 0);
    if (file.ends_with(kDeleted)) file.resize(file.size() - kDeleted.size()); // it was replaced since
    return file;
}

/// As execve(2) was given it: a link to the present version of many stays that link. Else the file itself.
std::string program_path()
{
    const auto address = getauxval(AT_EXECFN);
    const char* given = address != 0 ? reinterpret_cast<const char*>(address) : "";
    std::error_code none;
    const std::string path = base::absolute_path(std::filesystem::current_path(none).string(), given);
    std::error_code error;
    const bool same = *given != '\0' && std::filesystem::equivalent(path, "/proc/self/exe", error) && !error;
    return same ? path : own_file();
}

/// LISTEN_FDS: descriptors that this start took over, and the next one gets otherwise.
bool once_only(std::string_view variable)
{
    constexpr std::array<std::string_view, 4> kNames{"LISTEN_FDS=", "LISTEN_PID=", "LISTEN_FDNAMES=", kHandoverVariable};
    return std::ranges::any_of(kNames, [&](std::string_view name) { return variable.starts_with(name); });
}

} // namespace

Invocation find_invocation(int argc, char** argv)
{
    Invocation invocation{program_path(), {argv, argv + argc}, {}};
    for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable)
        if (!once_only(*variable)) invocation.environment.emplace_back(*variable);
    return invocation;
}

std::vector<char*> pointers_to(const std::vector<std::string>& strings)
{
    std::vector<char*> pointers;
    for (const std::string& one : strings) pointers.push_back(const_cast<char*>(one.c_str()));
    pointers.push_back(nullptr);
    return pointers;
}

} // namespace pm::daemon
