// SPDX-License-Identifier: Apache-2.0
// Pipes and sockets that outlive pmd: those who keep them here find them again by name after pmd was executed anew in its
// own place, and, with a service manager that keeps them too, after pmd ended.
//
// Of a pipe only the number is kept, as there are two for each process: who keeps one says so before it closes it. Of a
// socket there is a copy.
#pragma once

#include "channel/socket_depot.hpp"
#include "daemon/fd_store.hpp"
#include "io/log.hpp"
#include "logs/pipe_depot.hpp"

#include <map>
#include <sys/types.h>

namespace pm::daemon {

class KeptFds final : public logs::PipeDepot, public channel::SocketDepot {
public:
    explicit KeptFds(io::Log& log) : log_(log) {}
    /// Who keeps them as well; it must outlive this.
    void set_store(FdStore& store) noexcept { store_ = &store; }
    /// Takes over what the pmd before left in this process.
    void inherit(const std::map<std::string, int>& pipes, const std::map<std::string, int>& sockets);
    void inherit(const std::string& name, base::Fd fd) { inherited_.insert_or_assign(name, std::move(fd)); }

    void keep(const std::string& name, int fd) override;
    void drop(const std::string& name) override;
    [[nodiscard]] base::Fd take(const std::string& name) override;
    void store(const std::string& name, int fd) override;
    void discard(const std::string& name) override;
    [[nodiscard]] base::Fd recover(const std::string& name) override;
    void settle() override;
    /// Lets go of what no restored app asked for.
    void forget_rest();

    /// What there is to hand over: the numbers stay this object's.
    [[nodiscard]] std::map<std::string, int> pipes() const;
    [[nodiscard]] std::map<std::string, int> sockets() const;

private:
    struct Pipe {
        int fd = -1;
        ino_t inode = 0;
    };
    void note_pipe(const std::string& name, int fd);
    void note_socket(const std::string& name, int fd);

    io::Log& log_;
    FdStore* store_ = nullptr;
    std::map<std::string, Pipe> pipes_;
    std::map<std::string, base::Fd> sockets_;
    std::map<std::string, base::Fd> inherited_; ///< nobody has asked for it yet
    bool complained_ = false;
};

} // namespace pm::daemon
