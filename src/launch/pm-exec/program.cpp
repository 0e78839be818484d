// SPDX-License-Identifier: Apache-2.0
#include "launch/pm-exec/program.hpp"

#include "launch/pm-exec/arena.hpp"
#include "launch/pm-exec/environment.hpp"
#include "launch/pm-exec/report.hpp"
#include "launch/pm-exec/sys.hpp"

#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>

namespace pm::launch::exec {
namespace {

constexpr char kDefaultPath[] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

struct Search {
    char** environment;
    char* path;         ///< room for a directory of PATH and the longest name searched
    std::size_t room;
};

/// st_mode, or -errno.
long mode_of(const char* path) noexcept
{
    struct stat status;
#if defined(SYS_newfstatat)
    const long result = sys::call(SYS_newfstatat, AT_FDCWD, path, &status, 0);
#else
    const long result = ::stat(path, &status) < 0 ? -errno : 0;
#endif
    return result < 0 ? result : static_cast<long>(status.st_mode);
}

bool is_regular(long mode) noexcept { return mode >= 0 && S_ISREG(static_cast<mode_t>(mode)); }
bool is_directory(long mode) noexcept { return mode >= 0 && S_ISDIR(static_cast<mode_t>(mode)); }
long may(const char* path, int how) noexcept { return sys::call(SYS_faccessat, AT_FDCWD, path, how); }
bool has_slash(const char* text) noexcept
{
    while (*text != '\0' && *text != '/') ++text;
    return *text == '/';
}

/// Up to `room` bytes from the beginning of a regular file; 0 when it cannot be read.
std::size_t read_beginning(const char* path, char* to, std::size_t room) noexcept
{
    const long fd = sys::call(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) return 0;
    const long got = sys::call(SYS_read, fd, to, room);
    sys::call(SYS_close, fd);
    return got < 0 ? 0 : static_cast<std::size_t>(got);
}

/// Writes "<directory>/<name>" to search.path; false when it does not fit.
bool join(Search& search, const char* directory, std::size_t length, const char* name) noexcept
{
    const std::size_t name_size = std::strlen(name) + 1;
    if (length == 0) directory = ".", length = 1; // an empty entry of PATH is the current directory
    if (length + 1 + name_size > search.room) return false;
    std::memcpy(search.path, directory, length);
    search.path[length] = '/';
    std::memcpy(search.path + length + 1, name, name_size);
    return true;
}

/// A private copy of search.path, which the next search overwrites.
char* keep(const Search& search) noexcept
{
    const std::size_t size = std::strlen(search.path) + 1;
    char* copy = take_array<char>(size);
    if (copy == nullptr) give_up({LaunchStage::Execute, ENOMEM, search.path});
    std::memcpy(copy, search.path, size);
    return copy;
}

/// `name` as an executable file of PATH; null when there is none, with the better reason in `error`.
char* find_in_path(Search& search, const char* name, int& error) noexcept
{
    error = ENOENT;
    if (*name == '\0') return nullptr;
    const char* at = find_variable(search.environment, "PATH");
    if (at == nullptr) at = kDefaultPath;
    for (;;) {
        std::size_t length = 0;
        while (at[length] != '\0' && at[length] != ':') ++length;
        if (join(search, at, length, name) && is_regular(mode_of(search.path))) {
            if (may(search.path, X_OK) >= 0) return keep(search);
            error = EACCES;
        }
        if (at[length] == '\0') return nullptr;
        at += length + 1;
    }
}

char* find_interpreter(Search& search, char* name, int& error) noexcept
{
    if (!has_slash(name)) return find_in_path(search, name, error);
    const long mode = mode_of(name);
    const long result = mode < 0 ? mode : is_directory(mode) ? -EISDIR : may(name, X_OK);
    if (result >= 0) return name;
    error = static_cast<int>(-result);
    return nullptr;
}

/// The interpreter a "#!" line asks for; null when `text` does not begin with one.
char* asked_interpreter(char* text, std::size_t size) noexcept
{
    if (size < 3 || text[0] != '#' || text[1] != '!') return nullptr;
    char* begin = text + 2;
    char* const end = text + size;
    while (begin < end && (*begin == ' ' || *begin == '\t')) ++begin;
    char* stop = begin;
    while (stop < end && *stop != ' ' && *stop != '\t' && *stop != '\n' && *stop != '\0') ++stop;
    *stop = '\0'; // the buffer has one byte more than was read
    return begin;
}

bool has_extension(const char* path) noexcept
{
    const char* dot = nullptr;
    for (const char* at = path; *at != '\0'; ++at) {
        if (*at == '/') dot = nullptr;
        if (*at == '.' && at != path && at[-1] != '/') dot = at;
    }
    return dot != nullptr;
}

bool is_text(const char* data, std::size_t size) noexcept
{
    for (std::size_t i = 0; i < size; ++i) {
        const auto c = static_cast<unsigned char>(data[i]);
        if (c == 0 || (c < 0x20 && c != '\n' && c != '\t' && c != '\r' && c != '\f')) return false;
    }
    return size > 0;
}

[[noreturn]] void run(const Orders& orders, char* path, char** arguments, char** environment) noexcept;

/// Runs a text file that names no interpreter as PM2 does: with node.
[[noreturn]] void run_by_node(const Orders& orders, Search& search, char* path) noexcept
{
    static char node[] = "node";
    int error = 0;
    char* found = find_in_path(search, node, error);
    if (found == nullptr) give_up({LaunchStage::FindInterpreter, error, node});
    char** arguments = take_array<char*>(orders.arguments.count + 2);
    if (arguments == nullptr) give_up({LaunchStage::Execute, ENOMEM, path});
    arguments[0] = node;
    arguments[1] = path;
    for (std::size_t i = 1; i < orders.arguments.count; ++i) arguments[i + 1] = orders.arguments.items[i];
    run(orders, found, arguments, search.environment);
}

/// Tells why execve(path) failed with `error`; returns when the file is one that node may run.
void explain(const Orders& orders, char* path, int error) noexcept
{
    const long mode = mode_of(path);
    if (mode < 0) give_up({LaunchStage::FindScript, static_cast<int>(-mode), path});
    if (is_directory(mode)) give_up({LaunchStage::Execute, EISDIR, path, nullptr, wire::Form::IsDirectory});
    if (!is_regular(mode)) give_up({LaunchStage::Execute, error, path});

    static char text[512 + 1];
    const std::size_t size = read_beginning(path, text, sizeof text - 1);
    const bool plain_text = is_text(text, size);
    char* const asked = asked_interpreter(text, size);
    if ((error == EACCES || error == ENOEXEC) && (orders.flags & wire::kFlagNodeFallback) && asked == nullptr &&
        plain_text && !has_extension(path))
        return;
    if (error == EACCES && may(path, X_OK) < 0)
        give_up({LaunchStage::Execute, EACCES, path, nullptr, wire::Form::NotExecutable});
    if (asked != nullptr && (error == ENOENT || error == EACCES || error == ENOTDIR || error == ELOOP))
        give_up({LaunchStage::FindInterpreter, error, path, asked, wire::Form::AsksFor});
    if (error == ENOENT) give_up({LaunchStage::FindInterpreter, error, path, nullptr, wire::Form::NoLoader});
    if (error == ENOEXEC) give_up({LaunchStage::Execute, error, path, nullptr, wire::Form::NoFormat});
    give_up({LaunchStage::Execute, error, path});
}

void run(const Orders& orders, char* path, char** arguments, char** environment) noexcept
{
    const long result = sys::call(SYS_execve, path, arguments, environment);
    const int error = static_cast<int>(-result);
    explain(orders, path, error);
    give_up({LaunchStage::Execute, error, path}); // node itself is a text without "#!": nothing runs that
}

[[noreturn]] void run_direct(const Orders& orders, Search& search) noexcept
{
    char* path = orders.arguments.items[0];
    if (!has_slash(path)) {
        int error = ENOENT;
        char* const name = path;
        path = join(search, ".", 1, name) && is_regular(mode_of(search.path)) ? keep(search)
                                                                              : find_in_path(search, name, error);
        if (path == nullptr) give_up({LaunchStage::FindProgram, error, name});
    }
    const long result = sys::call(SYS_execve, path, orders.arguments.items, search.environment);
    explain(orders, path, static_cast<int>(-result));
    run_by_node(orders, search, path);
}

[[noreturn]] void run_interpreter(const Orders& orders, Search& search) noexcept
{
    char* const name = orders.arguments.items[0];
    int error = 0;
    int ignored = 0;
    char* found = find_interpreter(search, name, error);
    if (found == nullptr && orders.fallback != nullptr) {
        found = find_interpreter(search, orders.fallback, ignored);
        if (found != nullptr) orders.arguments.items[0] = orders.fallback;
    }
    if (found == nullptr) give_up({LaunchStage::FindInterpreter, error, name});
    if (orders.script != nullptr) {
        const long result = may(orders.script, R_OK);
        if (result < 0) give_up({LaunchStage::FindScript, static_cast<int>(-result), orders.script});
    }
    run(orders, found, orders.arguments.items, search.environment);
}

/// The orders for the file when all of a shell's line is the path of one: a path may have spaces.
Orders without_shell(const Orders& orders) noexcept
{
    const Texts& head = orders.file_head;
    if (orders.kind != wire::CommandKind::Shell || head.count == 0 || orders.arguments.count < wire::kShellHead)
        return orders;
    char* const file = head.items[head.count - 1];
    if (!is_regular(mode_of(file))) return orders;
    Orders direct = orders;
    const std::size_t rest = orders.arguments.count - wire::kShellHead;
    direct.arguments = {take_array<char*>(head.count + rest + 1), head.count + rest};
    if (direct.arguments.items == nullptr) give_up({LaunchStage::Execute, ENOMEM, file});
    for (std::size_t i = 0; i < head.count; ++i) direct.arguments.items[i] = head.items[i];
    for (std::size_t i = 0; i < rest; ++i)
        direct.arguments.items[head.count + i] = orders.arguments.items[wire::kShellHead + i];
    direct.kind = head.count == 1 ? wire::CommandKind::Direct : wire::CommandKind::Interpreted;
    direct.script = file;
    direct.fallback = nullptr; // it stands in for the shell
    return direct;
}

std::size_t longest(const Orders& orders, char** environment) noexcept
{
    const char* path = find_variable(environment, "PATH");
    const std::size_t fallback = orders.fallback == nullptr ? 0 : std::strlen(orders.fallback);
    return (path == nullptr ? sizeof kDefaultPath : std::strlen(path)) + std::strlen(orders.arguments.items[0]) +
           fallback + 16;
}

} // namespace

void execute(const Orders& given, char** environment) noexcept
{
    const Orders orders = without_shell(given);
    Search search{environment, nullptr, longest(orders, environment)};
    search.path = take_array<char>(search.room);
    if (search.path == nullptr) give_up({LaunchStage::Execute, ENOMEM, orders.arguments.items[0]});
    if (orders.kind == wire::CommandKind::Direct) run_direct(orders, search);
    run_interpreter(orders, search);
}

} // namespace pm::launch::exec
