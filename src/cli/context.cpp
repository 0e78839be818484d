// SPDX-License-Identifier: Apache-2.0
#include "cli/context.hpp"

#include "base/user_runtime_directory.hpp"

#include <climits>
#include <cstdlib>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path.hpp"
#include "base/text.hpp"

namespace pm::cli {
namespace {

/// Text of others (app names, reasons, paths) reaches the terminal only as printable lines.
std::string printable_lines(std::string_view text)
{
    std::string clean;
    for (const std::string& line : base::split(text, '\n')) {
        if (!clean.empty()) clean += '\n';
        clean += base::printable(line);
    }
    return clean;
}

std::string home_directory(const config::Environment& environment)
{
    if (const auto home = environment("HOME"); home && home->starts_with('/')) return *home;
    const passwd* entry = getpwuid(getuid());
    return entry != nullptr ? entry->pw_dir : "/";
}

/// A shell's name of the directory, with the links by which it was entered, counts (POSIX, pwd -L): a link such as `current` of a
/// deployment leads elsewhere tomorrow.
bool names_current_directory(const std::string& path)
{
    struct stat named{};
    struct stat here{};
    if (!path.starts_with('/') || path != base::absolute_path("/", path)) return false;
    return stat(path.c_str(), &named) == 0 && stat(".", &here) == 0 && named.st_dev == here.st_dev && named.st_ino == here.st_ino;
}

std::string current_directory(const config::Environment& environment)
{
    if (const auto named = environment("PWD"); named && names_current_directory(*named)) return *named;
    char path[PATH_MAX];
    return getcwd(path, sizeof path) != nullptr ? path : "/";
}

} // namespace

Context make_context()
{
    Context context;
    context.environment = [](const std::string& name) -> std::optional<std::string> {
        const char* value = std::getenv(name.c_str());
        return value != nullptr ? std::optional<std::string>(value) : std::nullopt;
    };
    context.cwd = current_directory(context.environment);
    context.home = home_directory(context.environment);
    context.machine = {base::user_runtime_directory(geteuid()), base::host_name()};
    return context;
}

int report(const Failure& failure)
{
    if (!failure.message.empty()) err("pmctl: " + printable_lines(failure.message) + "\n");
    return failure.status;
}

void warn(std::string_view message) { err("pmctl: " + printable_lines(message) + "\n"); }

int print(std::string_view text)
{
    const int error = write_all(STDOUT_FILENO, text);
    return error == 0 ? kDone : report({kFailed, base::fail_errno("writing to standard output", error).value().message});
}

} // namespace pm::cli
