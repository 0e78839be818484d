// SPDX-License-Identifier: Apache-2.0
#include "base/user_runtime_directory.hpp"

#include <array>
#include <sys/stat.h>
#include <unistd.h>

namespace pm::base {

std::string user_runtime_directory(uid_t uid)
{
    std::string path = "/run/user/" + std::to_string(uid);
    struct stat status {};
    const bool is_own =
        ::lstat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode) && status.st_uid == uid && (status.st_mode & 077) == 0;
    return is_own ? path : std::string();
}

std::string host_name()
{
    std::array<char, 256> name{};
    if (::gethostname(name.data(), name.size() - 1) < 0 || name[0] == '\0') return "localhost";
    return name.data();
}

} // namespace pm::base
