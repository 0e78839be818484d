// SPDX-License-Identifier: Apache-2.0
#include "io/capabilities.hpp"

#include <array>
#include <cerrno>
#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace pm::io {
namespace {

using Data = std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3>;

constexpr std::uint64_t bit(int capability) noexcept { return std::uint64_t{1} << static_cast<unsigned>(capability); }

std::uint64_t joined(std::uint32_t low, std::uint32_t high) noexcept { return low | (std::uint64_t{high} << 32U); }

bool read(Data& data) noexcept
{
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    return ::syscall(SYS_capget, &header, data.data()) == 0;
}

int write(const Data& data) noexcept
{
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    return ::syscall(SYS_capset, &header, data.data()) == 0 ? 0 : errno;
}

} // namespace

std::optional<CapabilitySets> own_capabilities() noexcept
{
    Data data{};
    if (!read(data)) return std::nullopt;
    return CapabilitySets{joined(data[0].effective, data[1].effective), joined(data[0].permitted, data[1].permitted),
                          joined(data[0].inheritable, data[1].inheritable)};
}

int set_effective(std::uint64_t capabilities) noexcept
{
    Data data{};
    if (!read(data)) return errno;
    data[0].effective = static_cast<std::uint32_t>(capabilities);
    data[1].effective = static_cast<std::uint32_t>(capabilities >> 32U);
    return write(data);
}

int lower_capability(int capability) noexcept
{
    const auto own = own_capabilities();
    if (!own) return errno;
    return (own->effective & bit(capability)) == 0 ? 0 : set_effective(own->effective & ~bit(capability));
}

RaisedCapability::RaisedCapability(int capability) noexcept
{
    const auto own = own_capabilities();
    if (!own || (own->permitted & bit(capability)) == 0 || (own->effective & bit(capability)) != 0) return;
    if (set_effective(own->effective | bit(capability)) == 0) before_ = own->effective;
}

RaisedCapability::~RaisedCapability()
{
    const int kept = errno; // of what was done meanwhile
    if (before_) (void)set_effective(*before_);
    errno = kept;
}

PtraceAccess::PtraceAccess() noexcept : raised_(CAP_SYS_PTRACE) {}

} // namespace pm::io
