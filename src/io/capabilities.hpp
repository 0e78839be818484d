// SPDX-License-Identifier: Apache-2.0
// The capabilities of the calling thread, capabilities(7). A pmd that is root keeps CAP_SYS_PTRACE permitted but not
// effective, and raises it for the system calls that need it: nothing else that pmd does, and no path that it opens for
// somebody, is ever judged with it.
#pragma once

#include <cstdint>
#include <optional>

namespace pm::io {

struct CapabilitySets {
    std::uint64_t effective = 0; ///< bit n: capability n
    std::uint64_t permitted = 0;
    std::uint64_t inheritable = 0;
};

/// Nothing when the kernel does not tell; errno says why.
[[nodiscard]] std::optional<CapabilitySets> own_capabilities() noexcept;
/// Replaces the effective set alone. 0 or errno.
[[nodiscard]] int set_effective(std::uint64_t capabilities) noexcept;
/// Takes `capability` out of the effective set; it stays permitted. 0 or errno.
int lower_capability(int capability) noexcept;

/// Has a permitted capability effective for as long as the object lives. Where the process is not permitted it, nothing
/// changes, and the kernel judges what follows without it.
class RaisedCapability {
public:
    explicit RaisedCapability(int capability) noexcept;
    ~RaisedCapability();
    RaisedCapability(const RaisedCapability&) = delete;
    RaisedCapability& operator=(const RaisedCapability&) = delete;

private:
    std::optional<std::uint64_t> before_; ///< the effective set to go back to; nothing when it was not changed
};

/// CAP_SYS_PTRACE, for what ptrace(2) guards: descriptors, memory, environment and threads of another user's process.
class PtraceAccess {
public:
    PtraceAccess() noexcept;

private:
    RaisedCapability raised_;
};

} // namespace pm::io
