// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <dirent.h>
#include <memory>
#include <string>

namespace pm::watch {

struct CloseDirectory {
    void operator()(DIR* directory) const noexcept { ::closedir(directory); }
};

/// As opendir(3). Null: see errno.
[[nodiscard]] inline std::unique_ptr<DIR, CloseDirectory> open_directory(const std::string& path)
{
    return std::unique_ptr<DIR, CloseDirectory>(::opendir(path.c_str()));
}

} // namespace pm::watch
