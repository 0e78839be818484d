// SPDX-License-Identifier: Apache-2.0
#include "base/path.hpp"

#include <filesystem>

namespace pm::base {

std::string absolute_path(std::string_view base, std::string_view path)
{
    std::string whole = (std::filesystem::path(base) / path).lexically_normal().string();
    // "//x" may mean something of its own to POSIX, but names the same file as "/x" on Linux.
    if (whole.starts_with("//")) whole.erase(0, whole.find_first_not_of('/') - 1);
    while (whole.size() > 1 && whole.back() == '/') whole.pop_back();
    return whole;
}

std::string directory_of(std::string_view path)
{
    const auto slash = path.rfind('/');
    if (!path.starts_with('/') || slash == 0) return "/";
    return std::string(path.substr(0, slash));
}

} // namespace pm::base
