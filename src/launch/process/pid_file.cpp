// SPDX-License-Identifier: Apache-2.0
#include "launch/process/pid_file.hpp"

#include "base/fd.hpp"
#include "io/acting_as.hpp"

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <fcntl.h>
#include <unistd.h>

namespace pm::launch {

std::string pid_file_path(const std::string& declared, std::uint32_t slot, bool several)
{
    if (!several) return declared;
    const std::size_t name = declared.rfind('/') + 1; // npos + 1 is 0
    std::size_t dot = declared.rfind('.');
    if (dot == std::string::npos || dot <= name) dot = declared.size();
    return declared.substr(0, dot) + "-" + std::to_string(slot) + declared.substr(dot);
}

base::Result<void> write_pid_file(const std::string& path, pid_t pid, const model::Identity* who)
{
    std::string doing = "writing pid file '" + path + "'";
    if (who != nullptr) doing += " as user '" + who->name + "'";
    const io::ActingAs acting(who);
    if (acting.error() != 0) return base::fail_errno(doing + ": taking on these rights", acting.error());
    const std::string fresh = path + "." + std::to_string(::getpid()) + ".new";
    (void)acting.remove(fresh); // a pmd of the same pid that was killed at this very line
    const base::Fd fd = acting.open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0644);
    if (!fd) return base::fail(base::ErrorCode::Failed, doing + ": " + io::why_no_path(errno));
    const std::string text = std::to_string(pid) + "\n";
    int error = ::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()) ? 0 : errno;
    if (error == 0) error = acting.rename(fresh, path); // replaces a symlink, does not follow it
    if (error == 0) return {};
    (void)acting.remove(fresh);
    return base::fail(base::ErrorCode::Failed, doing + ": " + io::why_no_path(error));
}

void remove_pid_file(const std::string& path, pid_t pid, const model::Identity* who)
{
    const io::ActingAs acting(who);
    const base::Fd fd = acting.open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    if (!fd) return;
    char text[32];
    const ssize_t got = ::read(fd.get(), text, sizeof text);
    pid_t written = 0;
    if (got <= 0 || std::from_chars(text, text + got, written).ec != std::errc{} || written != pid) return;
    (void)acting.remove(path);
}

} // namespace pm::launch
