// SPDX-License-Identifier: Apache-2.0
#include "base/file_fact.hpp"

#include "base/fd.hpp"

#include <algorithm>
#include <array>
#include <fcntl.h>
#include <sys/stat.h>

namespace pm::base {
namespace {

constexpr std::size_t kMostOfLine = 255;

bool is_of_text(char c) noexcept
{
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x20 || c == '\n' || c == '\t' || c == '\r' || c == '\f';
}

} // namespace

std::optional<std::string> file_fact(const std::string& path)
{
    struct stat status{};
    if (stat(path.c_str(), &status) < 0) return std::nullopt;
    if (S_ISDIR(status.st_mode)) return std::string(kDirectory);
    const Fd file(S_ISREG(status.st_mode) ? open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY) : -1);
    std::array<char, 512> beginning{}; // as many as PM2 and pm-exec judge by
    const ssize_t count = file ? read(file.get(), beginning.data(), beginning.size()) : -1;
    if (count <= 0) return std::string(kBinary);
    const std::string_view text(beginning.data(), static_cast<std::size_t>(count));
    if (!std::ranges::all_of(text, is_of_text)) return std::string(kBinary);
    return text.starts_with("#!") ? std::string(text.substr(0, std::min(text.find('\n'), kMostOfLine))) : std::string(kText);
}

} // namespace pm::base
