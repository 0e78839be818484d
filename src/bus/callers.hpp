// SPDX-License-Identifier: Apache-2.0
// Who is behind a name on the bus: what the kernel told the bus when the caller connected (D-Bus Specification,
// GetConnectionCredentials). Asked without waiting, kept while there is room.
//
// A bus never gives a unique name (":1.42") to a second connection, so what is kept is true for as long as our
// connection to that bus, and nobody needs to wake us when callers leave: the oldest make room for new ones.
#pragma once

#include "base/error.hpp"

#include "sdbus_versions.hpp"

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <sys/types.h>
#include <unordered_map>
#include <vector>

namespace pm::bus {

struct Credentials {
    uid_t uid = 0;
    std::vector<gid_t> groups; ///< primary and supplementary, in no order; empty when the bus does not tell
};

class Callers {
public:
    static constexpr std::size_t kMostKept = 256;
    using Then = std::function<void(const base::Result<Credentials>&)>;

    /// The connection must outlive this; questions that are open when it ends are dropped.
    explicit Callers(sdbus::IConnection& connection);
    /// Calls `then` at once when the answer is known, else from the loop. Calls of one name are answered in their
    /// order. Error: NotAuthorized (the caller is gone, or the bus does not tell).
    void find(const std::string& name, Then then);
    /// What is known now, valid until the next find(); null while nothing is, or while earlier questions wait for it.
    [[nodiscard]] const Credentials* known(const std::string& name) const;

private:
    void ask(const std::string& name);
    void answer(const std::string& name, const base::Result<Credentials>& found);
    void keep(const std::string& name, const Credentials& credentials);

    std::unique_ptr<sdbus::IProxy> bus_;
    std::unordered_map<std::string, Credentials> known_;
    std::deque<std::string> oldest_first_;
    std::unordered_map<std::string, std::vector<Then>> asked_;
};

} // namespace pm::bus
