// SPDX-License-Identifier: Apache-2.0
#include "daemon/kept_fds.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <utility>

namespace pm::daemon {
namespace {

/// 0: it is no pipe.
ino_t pipe_inode(int fd) noexcept
{
    struct stat status {};
    return ::fstat(fd, &status) == 0 && S_ISFIFO(status.st_mode) ? status.st_ino : 0;
}

} // namespace

void KeptFds::inherit(const std::map<std::string, int>& pipes, const std::map<std::string, int>& sockets)
{
    for (const auto* named : {&pipes, &sockets})
        for (const auto& [name, fd] : *named) inherited_.insert_or_assign(name, base::Fd(fd));
}

void KeptFds::keep(const std::string& name, int fd)
{
    note_pipe(name, fd);
    if (store_ != nullptr) store_->keep(name, fd);
}

void KeptFds::drop(const std::string& name)
{
    pipes_.erase(name);
    if (store_ != nullptr) store_->drop(name);
}

base::Fd KeptFds::take(const std::string& name)
{
    base::Fd fd;
    if (auto found = inherited_.extract(name))
        fd = std::move(found.mapped());
    else if (store_ != nullptr)
        fd = store_->take(name);
    if (fd) note_pipe(name, fd.get());
    return fd;
}

void KeptFds::store(const std::string& name, int fd)
{
    note_socket(name, fd);
    if (store_ != nullptr) store_->store(name, fd);
}

void KeptFds::discard(const std::string& name)
{
    sockets_.erase(name);
    if (store_ != nullptr) store_->discard(name);
}

base::Fd KeptFds::recover(const std::string& name)
{
    base::Fd fd;
    if (auto found = inherited_.extract(name))
        fd = std::move(found.mapped());
    else if (store_ != nullptr)
        fd = store_->recover(name);
    if (fd) note_socket(name, fd.get());
    return fd;
}

void KeptFds::settle()
{
    if (store_ != nullptr) store_->settle();
}

void KeptFds::forget_rest()
{
    for (const auto& [name, fd] : std::exchange(inherited_, {}))
        if (store_ != nullptr) store_->drop(name);
    if (store_ != nullptr) store_->forget_rest();
}

std::map<std::string, int> KeptFds::pipes() const
{
    std::map<std::string, int> all;
    for (const auto& [name, pipe] : pipes_)
        if (pipe_inode(pipe.fd) == pipe.inode) all.emplace(name, pipe.fd);
    return all;
}

std::map<std::string, int> KeptFds::sockets() const
{
    std::map<std::string, int> all;
    for (const auto& [name, fd] : sockets_) all.emplace(name, fd.get());
    return all;
}

void KeptFds::note_pipe(const std::string& name, int fd)
{
    if (const ino_t inode = pipe_inode(fd); inode != 0) pipes_.insert_or_assign(name, Pipe{fd, inode});
}

void KeptFds::note_socket(const std::string& name, int fd)
{
    base::Fd copy(::fcntl(fd, F_DUPFD_CLOEXEC, 3));
    const int error = errno;
    if (copy) {
        sockets_.insert_or_assign(name, std::move(copy));
        return;
    }
    sockets_.erase(name);
    if (!std::exchange(complained_, true))
        log_.warning(fmt::format("a socket is not kept for an upgrade of pmd ({}), which closes it", std::strerror(error)));
}

} // namespace pm::daemon
