// SPDX-License-Identifier: Apache-2.0
#include "tidy/work.hpp"

#include "base/path.hpp"
#include "watch/open_directory.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <spawn.h>
#include <string>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace pm::tidy {
namespace {

constexpr const char* kGzip = "/usr/bin/gzip";

/// Newest first, with their directory.
std::vector<std::string> files_aside(const std::string& path, std::string& trouble)
{
    const std::string place = base::directory_of(path);
    const std::string name = path.substr(path.rfind('/') + 1);
    std::vector<std::string> files;
    const auto directory = watch::open_directory(place);
    if (directory == nullptr) {
        trouble = fmt::format("opening '{}': {}", place, std::strerror(errno));
        return files;
    }
    while (const dirent* entry = ::readdir(directory.get()))
        if (is_aside(name, entry->d_name)) files.push_back((place == "/" ? "" : place) + "/" + entry->d_name);
    std::ranges::sort(files, std::greater{});
    return files;
}

/// gzip(1) writes beside it, and removes the file when that is done; what an earlier one left half done is written anew.
std::string compress(const std::string& file)
{
    std::string path = file;
    char program[] = "gzip", force[] = "-f", end[] = "--";
    char* const arguments[] = {program, force, end, path.data(), nullptr};
    char* const environment[] = {nullptr};
    pid_t pid = 0;
    if (const int error = ::posix_spawn(&pid, kGzip, nullptr, nullptr, arguments, environment)) return fmt::format("executing '{}': {}", kGzip, std::strerror(error));
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? std::string() : fmt::format("gzip could not compress '{}'", file);
}

} // namespace

std::string carry_out(const Orders& orders)
{
    std::string trouble;
    std::vector<std::string> files = files_aside(orders.path, trouble);
    std::uint64_t bytes = 0;
    std::uint32_t count = 0;
    for (std::string& file : files) {
        const bool compressed = file.ends_with(".gz");
        struct stat status {};
        if (::lstat(file.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) continue;
        const bool half_done = compressed && ::access(file.substr(0, file.size() - 3).c_str(), F_OK) == 0;
        if (half_done) continue; // what it is made of is there still
        if (++count > orders.keep) {
            if (::unlink(file.c_str()) != 0) trouble = fmt::format("removing '{}': {}", file, std::strerror(errno));
            if (!compressed) (void)::unlink((file + ".gz").c_str());
            continue;
        }
        if (orders.compress && !compressed) {
            if (std::string why = compress(file); !why.empty()) trouble = std::move(why);
            else file += ".gz";
            if (::lstat(file.c_str(), &status) != 0) continue;
        }
        bytes += static_cast<std::uint64_t>(status.st_size);
        if (orders.budget > 0 && bytes > orders.budget && ::unlink(file.c_str()) != 0) trouble = fmt::format("removing '{}': {}", file, std::strerror(errno));
    }
    return trouble;
}

} // namespace pm::tidy
