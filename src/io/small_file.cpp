// SPDX-License-Identifier: Apache-2.0
#include "io/small_file.hpp"

#include "base/fd.hpp"

#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

namespace pm::io {
namespace {

bool write_all(int fd, std::string_view text)
{
    while (!text.empty()) {
        const ssize_t count = ::write(fd, text.data(), text.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return false;
        text.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
}

} // namespace

base::Result<std::string> read_small_file(const std::string& path, std::size_t most)
{
    constexpr std::size_t kPiece = 65536;
    const base::Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
    if (!file) return base::fail_errno(fmt::format("opening '{}'", path), errno);
    std::string text;
    for (;;) {
        const std::size_t had = text.size();
        text.resize(had + kPiece);
        const ssize_t count = ::read(file.get(), text.data() + had, kPiece);
        if (count < 0 && errno == EINTR) {
            text.resize(had);
            continue;
        }
        if (count < 0) return base::fail_errno(fmt::format("reading '{}'", path), errno);
        text.resize(had + static_cast<std::size_t>(count));
        if (count == 0) return text;
        if (text.size() > most)
            return base::fail(base::ErrorCode::LimitExceeded, fmt::format("reading '{}': more than {} bytes", path, most));
    }
}

base::Result<void> replace_file(const std::string& path, std::string_view text, mode_t mode)
{
    const std::string fresh = path + ".new";
    const auto failed = [&] {
        const int error = errno;
        ::unlink(fresh.c_str());
        return base::fail_errno(fmt::format("writing '{}'", path), error);
    };
    ::unlink(fresh.c_str()); // of a pmd that was killed while it wrote
    const base::Fd file(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode));
    if (!file || !write_all(file.get(), text) || ::rename(fresh.c_str(), path.c_str()) < 0) return failed();
    return {};
}

} // namespace pm::io
