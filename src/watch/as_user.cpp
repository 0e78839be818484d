// SPDX-License-Identifier: Apache-2.0
#include "watch/as_user.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <sys/prctl.h>
#include <unistd.h>

namespace pm::watch {

std::string as_characters(std::string_view bytes)
{
    std::string text;
    for (const char byte : bytes) {
        const auto value = static_cast<unsigned char>(byte);
        if (value < 0x80) {
            text += byte;
        } else {
            text += static_cast<char>(0xC0 | (value >> 6));
            text += static_cast<char>(0x80 | (value & 0x3F));
        }
    }
    return text;
}

std::string as_bytes(std::string_view text)
{
    std::string bytes;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto value = static_cast<unsigned char>(text[i]);
        if (value >= 0xC0 && i + 1 < text.size())
            bytes += static_cast<char>(((value & 0x03) << 6) | (static_cast<unsigned char>(text[++i]) & 0x3F));
        else
            bytes += text[i];
    }
    return bytes;
}

std::string take_rights(const std::optional<model::Identity>& user)
{
    if (const int fd = ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC); fd >= 0) { // rather this than pmd; later it is not ours any more
        (void)!::write(fd, "500", 3);
        ::close(fd);
    }
    if (user) {
        if (user->uid == static_cast<uid_t>(-1) || user->gid == static_cast<gid_t>(-1)) return "the user is not known";
        if (::setgroups(user->groups.size(), user->groups.data()) != 0 || ::setresgid(user->gid, user->gid, user->gid) != 0 ||
            ::setresuid(user->uid, user->uid, user->uid) != 0)
            return fmt::format("taking on the rights of '{}': {}", user->name, std::strerror(errno));
    }
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    return {};
}

std::string read_orders(std::size_t most)
{
    std::string line;
    char buffer[4096];
    while (line.find('\n') == std::string::npos) {
        const ssize_t size = ::read(STDIN_FILENO, buffer, sizeof buffer);
        if (size < 0 && errno == EINTR) continue;
        if (size <= 0 || line.size() > most) return {};
        line.append(buffer, static_cast<std::size_t>(size));
    }
    return line;
}

} // namespace pm::watch
