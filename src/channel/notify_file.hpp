// SPDX-License-Identifier: Apache-2.0
// The sockets that notifications come to: one for each process, a file in a directory that is pmd's alone.
//
// Who may send is decided by the file: its owner, the app's user, and root. Others find neither its name nor a way in.
#pragma once

#include "base/error.hpp"
#include "base/fd.hpp"
#include "model/identity.hpp"

#include <functional>
#include <string>

namespace pm::channel {

class NotifyDirectory {
public:
    explicit NotifyDirectory(std::string path) : path_(std::move(path)) {}

    [[nodiscard]] const std::string& path() const noexcept { return path_; }
    [[nodiscard]] std::string path_of(const std::string& name) const { return path_ + "/" + name; }

    /// Makes and binds a socket, not blocking, that tells who sent what. What has the name is replaced. `user`: whose it is,
    /// null: pmd's. `anybody`: the kernel lets all users send. Error: a sentence that says what to do where something can be done.
    [[nodiscard]] base::Result<base::Fd> make(const std::string& name, const model::SharedIdentity& user, bool anybody) const;
    /// True when `socket` is bound to this name, and who looks for the name finds a socket.
    [[nodiscard]] bool leads_to(const std::string& name, int socket) const;
    void remove(const std::string& name) const;
    /// The directory itself, when there is nothing in it.
    void remove_empty() const;
    /// Removes the files that are not `wanted`, up to a bound.
    void sweep(const std::function<bool(const std::string& name)>& wanted) const;

    /// A process's file remembers over a new pmd whether it has said that it is ready.
    void mark_ready(const std::string& name) const;
    [[nodiscard]] bool is_marked_ready(const std::string& name) const;

private:
    [[nodiscard]] base::Result<void> prepare() const;

    std::string path_;
};

} // namespace pm::channel
