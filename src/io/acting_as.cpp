// SPDX-License-Identifier: Apache-2.0
#include "io/acting_as.hpp"

#include <cerrno>
#include <sys/fsuid.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace pm::io {
namespace {

/// The system call itself: that of the C library changes all threads, with signals.
int set_groups(const std::vector<gid_t>& groups) noexcept
{
    return ::syscall(SYS_setgroups, groups.size(), groups.data()) < 0 ? errno : 0;
}

/// setfsuid(2) and setfsgid(2) tell no error; asked for an impossible id they tell the present one.
uid_t present_fsuid() noexcept { return static_cast<uid_t>(::setfsuid(static_cast<uid_t>(-1))); }
gid_t present_fsgid() noexcept { return static_cast<gid_t>(::setfsgid(static_cast<gid_t>(-1))); }

} // namespace

ActingAs::ActingAs(const model::Identity* who)
{
    if (who == nullptr || ::geteuid() != 0) return;
    const int count = ::getgroups(0, nullptr);
    own_groups_.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
    if (count < 0 || ::getgroups(count, own_groups_.data()) != count) {
        error_ = errno;
        return;
    }
    error_ = set_groups(who->groups);
    if (error_ != 0) return;
    changed_ = true;
    ::setfsgid(who->gid);
    ::setfsuid(who->uid);
    if (present_fsgid() == who->gid && present_fsuid() == who->uid) return;
    error_ = EPERM;
    restore();
}

ActingAs::~ActingAs() { restore(); }

/// Going back is always allowed: to what the real and effective ids are, with the groups that were had.
void ActingAs::restore() noexcept
{
    if (!changed_) return;
    ::setfsuid(::geteuid());
    ::setfsgid(::getegid());
    set_groups(own_groups_);
    changed_ = false;
}

} // namespace pm::io
