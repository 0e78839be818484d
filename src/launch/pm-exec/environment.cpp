// SPDX-License-Identifier: Apache-2.0
#include "launch/pm-exec/environment.hpp"

#include "launch/pm-exec/arena.hpp"
#include "launch/pm-exec/environment_file.hpp"
#include "launch/pm-exec/report.hpp"
#include "launch/pm-exec/sys.hpp"

#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>

namespace pm::launch::exec {
namespace {

constexpr std::size_t kMaxFile = 1U << 20U;
constexpr std::size_t kMaxFromFiles = 4096; ///< also bounds the search for duplicates

/// What only the manager of the unit knows; systemd.exec(5), "Environment Variables Set or Propagated by the Service
/// Manager". The user's are there when the unit has one, also one that was made up for it (DynamicUser=).
constexpr const char* kOfUnit[] = {"INVOCATION_ID",      "STATE_DIRECTORY",         "RUNTIME_DIRECTORY",     "CACHE_DIRECTORY",
                                   "LOGS_DIRECTORY",     "CONFIGURATION_DIRECTORY", "CREDENTIALS_DIRECTORY", "USER",
                                   "LOGNAME",            "HOME",                    "SHELL",                 "MEMORY_PRESSURE_WATCH",
                                   "MEMORY_PRESSURE_WRITE"};
constexpr std::size_t kMostOfUnit = sizeof kOfUnit / sizeof kOfUnit[0];

bool same_name(const char* left, const char* right) noexcept
{
    const std::size_t length = name_length(left);
    return length == name_length(right) && std::memcmp(left, right, length) == 0;
}

/// Puts `assignment` in the place of one of the same name among the first `count`, or behind them.
void put(char** list, std::size_t& count, char* assignment) noexcept
{
    for (std::size_t i = 0; i < count; ++i) {
        if (!same_name(list[i], assignment)) continue;
        list[i] = assignment;
        return;
    }
    list[count++] = assignment;
}

/// The file's text with a NUL behind it; null when it is `optional` and is not there.
char* read_file(const char* path, bool optional, std::size_t& size) noexcept
{
    const long fd = sys::call(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (optional && (fd == -ENOENT || fd == -ENOTDIR)) return nullptr;
    if (fd < 0) give_up({LaunchStage::EnvironmentFile, static_cast<int>(-fd), path});
    struct stat file = {};
    const long known = sys::call(SYS_fstat, fd, &file);
    if (known < 0) give_up({LaunchStage::EnvironmentFile, static_cast<int>(-known), path});
    if (S_ISFIFO(file.st_mode)) give_up({LaunchStage::EnvironmentFile, ESPIPE, path}); // would be empty, or keep us waiting
    char* text = take_array<char>(kMaxFile + 1);
    if (text == nullptr) give_up({LaunchStage::EnvironmentFile, ENOMEM, path});
    long got = 1;
    for (size = 0; got != 0 && size <= kMaxFile; size += static_cast<std::size_t>(got)) {
        got = sys::call(SYS_read, fd, text + size, kMaxFile + 1 - size);
        if (got < 0) give_up({LaunchStage::EnvironmentFile, static_cast<int>(-got), path});
    }
    if (size > kMaxFile) give_up({LaunchStage::EnvironmentFile, EFBIG, path, nullptr, wire::Form::TooMuch});
    text[size] = '\0';
    sys::call(SYS_close, fd);
    return text;
}

void add_file(const char* path, char** list, std::size_t& count) noexcept
{
    const bool optional = *path == '-'; // as in EnvironmentFile= of systemd.exec(5)
    if (optional) ++path;
    std::size_t size = 0;
    char* text = read_file(path, optional, size);
    if (text == nullptr) return;
    EnvironmentFile file(text, size);
    for (;;) {
        switch (file.next()) {
        case EnvironmentFile::Step::End: return;
        case EnvironmentFile::Step::Malformed:
            give_up({LaunchStage::EnvironmentFile, EINVAL, path, nullptr, wire::Form::BadLine, file.line()});
        case EnvironmentFile::Step::Assignment: break;
        }
        if (count == kMaxFromFiles)
            give_up({LaunchStage::EnvironmentFile, E2BIG, path, nullptr, wire::Form::TooMuch});
        put(list, count, file.current());
    }
}

bool is_set(char** list, std::size_t count, const char* assignment) noexcept
{
    for (std::size_t i = 0; i < count; ++i)
        if (same_name(list[i], assignment)) return true;
    return false;
}

/// Adds to the `count` of `all` what the unit has and they have not.
void add_of_unit(char** unit, char** all, std::size_t& count) noexcept
{
    const std::size_t before = count;
    for (; *unit != nullptr; ++unit)
        for (const char* name : kOfUnit)
            if (same_name(*unit, name) && !is_set(all, before, *unit) && count - before < kMostOfUnit) all[count++] = *unit;
}

} // namespace

char** make_environment(const Orders& orders, char** unit) noexcept
{
    const bool with_files = orders.environment_files.count > 0;
    char** read = nullptr;
    std::size_t read_count = 0;
    if (with_files) read = take_array<char*>(kMaxFromFiles);
    char** all = take_array<char*>(orders.environment.count + orders.base.count + (with_files ? kMaxFromFiles : 0) +
                                   kMostOfUnit + 1);
    if (all == nullptr || (with_files && read == nullptr)) give_up({LaunchStage::EnvironmentFile, ENOMEM});
    for (std::size_t i = 0; i < orders.environment_files.count; ++i)
        add_file(orders.environment_files.items[i], read, read_count);

    std::size_t count = orders.environment.count;
    if (count > 0) std::memcpy(all, orders.environment.items, count * sizeof(char*));
    const std::size_t own = count; // pmd sends no name twice, so only what files set is compared
    for (std::size_t i = 0; i < read_count; ++i)
        if (!is_set(all, own, read[i])) all[count++] = read[i];
    const std::size_t before_unit = count;
    if (unit != nullptr) add_of_unit(unit, all, count);
    for (std::size_t i = 0; i < orders.base.count; ++i)
        if (!is_set(read, read_count, orders.base.items[i]) &&
            !is_set(all + before_unit, count - before_unit, orders.base.items[i]))
            all[count++] = orders.base.items[i];
    return all;
}

const char* find_variable(char** environment, const char* name) noexcept
{
    const std::size_t length = std::strlen(name);
    for (; *environment != nullptr; ++environment)
        if (name_length(*environment) == length && std::memcmp(*environment, name, length) == 0 &&
            (*environment)[length] == '=')
            return *environment + length + 1;
    return nullptr;
}

} // namespace pm::launch::exec
