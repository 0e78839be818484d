// SPDX-License-Identifier: Apache-2.0
#include "io/journal_socket.hpp"

#include "io/log.hpp"

#include <cstdint>
#include <cstring>
#include <sys/socket.h>
#include <sys/un.h>

namespace pm::io {
namespace {

constexpr std::size_t kMaxValue = 16u << 10; ///< a datagram has to fit the socket's buffer

/// A value with line ends comes with its length: 64 bits, little endian.
void append_sized(std::string& to, std::string_view value)
{
    to += '\n';
    for (std::uint64_t left = value.size(), i = 0; i < 8; ++i, left >>= 8) to += static_cast<char>(left & 0xff);
    to.append(value) += '\n';
}

} // namespace

std::string journal_datagram(std::span<const LogField> fields)
{
    std::string bytes;
    for (const LogField& field : fields) {
        const std::string_view value = std::string_view(field.value).substr(0, kMaxValue);
        bytes += field.name;
        if (value.find('\n') == std::string_view::npos)
            ((bytes += '=') += value) += '\n';
        else
            append_sized(bytes, value);
    }
    return bytes;
}

JournalSocket::JournalSocket(std::string path)
    : path_(std::move(path)), fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0))
{
}

bool JournalSocket::send(std::span<const LogField> fields) const
{
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (!fd_ || path_.size() >= sizeof address.sun_path) return false;
    std::memcpy(address.sun_path, path_.c_str(), path_.size());
    const std::string bytes = journal_datagram(fields);
    return sendto(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&address),
                  sizeof address) >= 0;
}

} // namespace pm::io
