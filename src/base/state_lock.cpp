// SPDX-License-Identifier: Apache-2.0
#include "base/state_lock.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

namespace pm::base {
namespace {

constexpr int kNames = 4; ///< so many of them another user can take before the lock is none
constexpr int kPatienceMsec = 1000;
constexpr int kBacklog = 64;
constexpr int kMostLooks = 100; ///< at one that is bound and does not listen yet, 1 ms apart

struct Address {
    sockaddr_un un{};
    socklen_t size = 0;
    [[nodiscard]] const sockaddr* get() const noexcept { return reinterpret_cast<const sockaddr*>(&un); }
};

/// The prefix of all names. Processes of another pid namespace do not see ours, and would be told of a pid that they have not.
std::optional<std::string> prefix_of(const StateLock& lock)
{
    struct stat directory {};
    struct stat pids {};
    if (::stat(lock.state_dir.c_str(), &directory) < 0) return std::nullopt;
    if (::stat("/proc/self/ns/pid", &pids) < 0) pids.st_ino = 0;
    return fmt::format("pmd/{}/{}/{:x}.{:x}/{:x}/", ::geteuid(), lock.of_system_bus ? "system" : "user", directory.st_dev,
                       directory.st_ino, pids.st_ino);
}

Address address_of(const std::string& prefix, int number)
{
    const std::string name = prefix + std::to_string(number);
    Address address;
    address.un.sun_family = AF_UNIX;
    const std::size_t length = std::min(name.size(), sizeof address.un.sun_path - 1);
    std::memcpy(address.un.sun_path + 1, name.data(), length);
    address.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + length);
    return address;
}

struct Holder {
    enum class Kind { Nobody, Ours, Another } kind = Kind::Nobody;
    pid_t pid = 0;
    Fd connection{};
};

Holder look(const Address& address)
{
    Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket || ::connect(socket.get(), address.get(), address.size) < 0)
        return {errno == EAGAIN ? Holder::Kind::Another : Holder::Kind::Nobody, 0}; // EAGAIN: more wait than ours would let
    ucred who{};
    socklen_t size = sizeof who;
    const bool ours = ::getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &who, &size) == 0 && who.uid == ::geteuid();
    return {ours ? Holder::Kind::Ours : Holder::Kind::Another, who.pid, std::move(socket)};
}

std::string read_from(const Fd& connection)
{
    std::array<char, 4096> text{};
    pollfd answer{connection.get(), POLLIN, 0};
    const ssize_t count =
        ::poll(&answer, 1, kPatienceMsec) == 1 ? ::recv(connection.get(), text.data(), text.size(), MSG_DONTWAIT) : 0;
    return {text.data(), static_cast<std::size_t>(std::max<ssize_t>(count, 0))};
}

std::optional<Holder> find_holder(const std::string& prefix)
{
    for (int number = 0; number < kNames; ++number)
        if (Holder holder = look(address_of(prefix, number)); holder.kind == Holder::Kind::Ours) return holder;
    return std::nullopt;
}

/// Of a name that is taken.
Holder look_patiently(const Address& address)
{
    Holder holder = look(address);
    for (int looks = 0; holder.kind == Holder::Kind::Nobody && looks < kMostLooks; ++looks) {
        ::poll(nullptr, 0, 1);
        holder = look(address);
    }
    return holder;
}

} // namespace

Result<StateLockTaken> take_state_lock(const StateLock& lock)
{
    const std::string doing = fmt::format("locking '{}'", lock.state_dir);
    const auto prefix = prefix_of(lock);
    if (!prefix) return fail_errno(doing, errno);
    if (const auto holder = find_holder(*prefix)) return StateLockTaken{{}, holder->pid};
    for (int number = 0; number < kNames; ++number) {
        const Address address = address_of(*prefix, number);
        Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        if (!socket) return fail_errno(doing, errno);
        if (::bind(socket.get(), address.get(), address.size) == 0) {
            if (::listen(socket.get(), kBacklog) < 0) return fail_errno(doing, errno);
            return StateLockTaken{std::move(socket), 0};
        }
        if (errno != EADDRINUSE) return fail_errno(doing, errno);
        if (const Holder holder = look_patiently(address); holder.kind == Holder::Kind::Ours)
            return StateLockTaken{{}, holder.pid};
    }
    return fail(ErrorCode::Failed, doing + ": its names are taken by processes of another user");
}

std::optional<StateLockHolder> holder_of(const StateLock& lock)
{
    const auto prefix = prefix_of(lock);
    const auto holder = prefix ? find_holder(*prefix) : std::nullopt;
    if (!holder) return std::nullopt;
    return StateLockHolder{holder->pid, read_from(holder->connection)};
}

} // namespace pm::base
