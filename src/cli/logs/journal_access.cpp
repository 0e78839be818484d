// SPDX-License-Identifier: Apache-2.0
#include "cli/logs/journal_access.hpp"

#include <cerrno>
#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <memory>
#include <systemd/sd-id128.h>
#include <unistd.h>

namespace pm::cli {
namespace {

struct CloseDirectory {
    void operator()(DIR* directory) const noexcept { closedir(directory); }
};

struct Files {
    std::size_t readable = 0;
    std::size_t refused = 0;
    std::size_t own_readable = 0; ///< of the user's own
};

void look_at(const std::string& directory, const std::string& own, Files& files)
{
    const std::unique_ptr<DIR, CloseDirectory> opened(opendir(directory.c_str()));
    if (!opened) {
        if (errno == EACCES) ++files.refused;
        return;
    }
    while (const dirent* entry = readdir(opened.get())) {
        const std::string_view name = entry->d_name;
        if (!name.ends_with(".journal")) continue;
        if (faccessat(AT_FDCWD, fmt::format("{}/{}", directory, name).c_str(), R_OK, AT_EACCESS) == 0) {
            ++files.readable;
            if (name == own) ++files.own_readable;
        } else if (errno == EACCES) {
            ++files.refused;
        }
    }
}

} // namespace

std::vector<std::string> journal_directories()
{
    sd_id128_t machine{};
    char text[SD_ID128_STRING_MAX];
    if (sd_id128_get_machine(&machine) < 0) return {};
    sd_id128_to_string(machine, text);
    return {fmt::format("/var/log/journal/{}", text), fmt::format("/run/log/journal/{}", text)};
}

Outcome<void> check_journal_access(std::optional<uid_t> user, const std::vector<std::string>& directories)
{
    Files files;
    const std::string own = user ? fmt::format("user-{}.journal", *user) : std::string();
    for (const std::string& directory : directories) look_at(directory, own, files);
    if (files.refused > 0 && files.own_readable == 0)
        return failed(kFailed, "the output is in the journal, which you may not read: become a member of the group "
                               "'systemd-journal' or 'adm' (and log in again), or use sudo");
    if (files.readable == 0)
        return failed(kFailed, "the output is in the journal, but none is kept on this machine (Storage= in journald.conf(5))");
    return {};
}

} // namespace pm::cli
