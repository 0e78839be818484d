// SPDX-License-Identifier: Apache-2.0
#include "channel/kept_bytes.hpp"

#include <cerrno>
#include <optional>
#include <sys/mman.h>
#include <unistd.h>

namespace pm::channel {
namespace {

/// Two places of the file take turns: whoever dies while it writes leaves the other one whole. Their ends are holes.
struct Head {
    std::uint64_t number = 0; ///< higher: later; 0: nothing
    std::uint64_t size = 0;
    std::uint64_t check = 0; ///< of number and bytes
};
constexpr off_t kPlace = static_cast<off_t>(KeptBytes::kMost) + 4096;

off_t place_of(std::uint64_t number)
{
    return number % 2 == 0 ? 0 : kPlace;
}

std::uint64_t check_of(std::uint64_t number, std::string_view bytes) // FNV-1a
{
    std::uint64_t hash = 0xcbf29ce484222325U ^ number;
    for (const char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
    return hash;
}

struct Kept {
    std::uint64_t number = 0;
    std::string bytes;
};

std::optional<Kept> read_place(int fd, off_t place)
{
    Head head;
    if (::pread(fd, &head, sizeof head, place) != sizeof head || head.number == 0 || head.size > KeptBytes::kMost)
        return std::nullopt;
    Kept kept{head.number, std::string(head.size, '\0')};
    if (::pread(fd, kept.bytes.data(), head.size, place + static_cast<off_t>(sizeof head)) != static_cast<ssize_t>(head.size))
        return std::nullopt;
    if (check_of(head.number, kept.bytes) != head.check) return std::nullopt;
    return kept;
}

std::optional<Kept> read_both(int fd)
{
    auto even = read_place(fd, place_of(0)), odd = read_place(fd, place_of(1));
    if (even && (!odd || odd->number < even->number)) return even;
    return odd;
}

} // namespace

KeptBytes::KeptBytes(SocketDepot& depot, std::string name) : depot_(depot), name_(std::move(name)), file_(depot.recover(name_))
{
    if (!file_) return;
    if (const auto kept = read_both(file_.get())) last_ = kept->number;
}

std::string KeptBytes::read() const
{
    auto kept = file_ ? read_both(file_.get()) : std::nullopt;
    return kept ? std::move(kept->bytes) : std::string();
}

int KeptBytes::write(std::string_view bytes)
{
    if (bytes.size() > kMost) return EFBIG;
    if (!file_) {
        file_ = base::Fd(::memfd_create(name_.c_str(), MFD_CLOEXEC));
        if (!file_) return errno;
        depot_.store(name_, file_.get());
    }
    const Head head{last_ + 1, bytes.size(), check_of(last_ + 1, bytes)};
    const off_t place = place_of(head.number);
    const auto body = ::pwrite(file_.get(), bytes.data(), bytes.size(), place + static_cast<off_t>(sizeof head));
    if (body != static_cast<ssize_t>(bytes.size())) return body < 0 ? errno : ENOSPC;
    const auto done = ::pwrite(file_.get(), &head, sizeof head, place);
    if (done != static_cast<ssize_t>(sizeof head)) return done < 0 ? errno : ENOSPC;
    last_ = head.number;
    return 0;
}

} // namespace pm::channel
