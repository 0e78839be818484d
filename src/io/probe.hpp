// SPDX-License-Identifier: Apache-2.0
// One check of a HealthTarget: connects, and of HTTP asks and reads the first line of the answer (RFC 9112).
//
// By hand and not by a library: it asks for one status code, of a program that mostly runs on this machine, and pmd stays
// small for it.
#pragma once

#include "base/error.hpp"
#include "base/fd.hpp"
#include "io/event_loop.hpp"
#include "model/health.hpp"
#include "model/identity.hpp"

#include <functional>
#include <string>

namespace pm::io {

class Probe {
public:
    /// Gets nothing when the check succeeded, else why not, for people: "http://127.0.0.1:80/: answered 503".
    using Done = std::function<void(const base::Result<void>&)>;

    /// Begins at once. `done` is called once, from the loop, after `timeout` at the latest; not at all when the probe is
    /// destroyed before. It may destroy the probe. `user`: whose the connection is, for firewalls; null: pmd's own.
    Probe(EventLoop& loop, const model::HealthTarget& target, model::SharedIdentity user, model::Duration timeout, Done done);
    Probe(const Probe&) = delete;
    Probe& operator=(const Probe&) = delete;

private:
    void connect(const std::string& host);
    [[nodiscard]] base::Fd make_socket(int family) const;
    void on_event();
    void connected();
    void write();
    void read();
    void refused(int error);
    void fail(const std::string& why);
    void finish(const base::Result<void>& result);
    void finish_soon(std::string why);

    EventLoop& loop_;
    model::HealthTarget target_;
    model::SharedIdentity user_;
    Done done_;
    std::string next_host_; ///< to be tried when nobody is at the first
    bool connected_ = false;
    std::string request_;   ///< what is not sent yet
    std::string answer_;
    std::string failure_;   ///< known from the start
    base::Fd socket_;
    Source events_;
    Source timeout_;
};

/// The status of an HTTP answer's first line, "HTTP/1.1 200 OK". 0: it is none.
[[nodiscard]] int http_status(std::string_view line);

} // namespace pm::io
