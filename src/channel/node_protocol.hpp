// SPDX-License-Identifier: Apache-2.0
// What is said on Node's message channel: one JSON value a line. Pure: text in, structures out, and back.
//
// Source: Node's lib/internal/child_process.js (handles) and lib/internal/cluster/{primary,child}.js; the same in Node 8 to
// 26. Bun puts a byte 0x02 before messages that are not the app's own, and wants it back.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pm::channel {

/// Bun's byte before messages that are not the app's own.
inline constexpr char kBunMark = '\x02';

/// What a worker asks when its program calls listen() or bind(): act "queryServer".
struct ServerQuery {
    enum class Family { Ip4, Ip6, Udp4, Udp6, Path, Descriptor };
    Family family = Family::Ip4;
    std::optional<std::string> address; ///< absent: any
    std::uint16_t port = 0;             ///< 0: one that is free
    int fd = -1;                        ///< Descriptor
    std::int64_t index = 0;             ///< how many-th server of that worker; counts for port 0 alone
    std::uint32_t flags = 0;            ///< 1: IPv6 alone; UDP: 4: SO_REUSEADDR
    int backlog = 0;                    ///< 0 or less: Node's usual one
    bool readable_all = false;          ///< Path: everybody may read, write
    bool writable_all = false;
    std::string data;     ///< JSON to be given to all workers ("null"): ticketKeys of TLS
    std::int64_t seq = 0; ///< of the question, for its answer
    bool operator==(const ServerQuery&) const = default;
};
[[nodiscard]] bool is_udp(const ServerQuery& query) noexcept;
/// Queries with the same text mean the same socket: "null:8000:4".
[[nodiscard]] std::string place_of(const ServerQuery& query);

struct NodeMessage {
    enum class Kind {
        App,    ///< the app's own
        Ready,  ///< "ready"
        Handle, ///< brings an open socket; wants HandleAck
        HandleAck,
        HandleNack, ///< the open socket did not arrive
        Online,     ///< a worker began
        Query,      ///< `query`
        Listening,  ///< `query` tells where; its seq may be absent
        Close,      ///< `key` is not held any more
        Leaving,    ///< exitedAfterDisconnect: the worker itself goes; wants an answer
        Answer,     ///< to our message `answered`
        Serves,     ///< pmd-drain.cjs: no worker, but its servers can be told to close
        Drained,    ///< pmd-drain.cjs: they are closed, and have no connection
        Unknown,    ///< Node's own, and nothing to do with us
        Malformed,  ///< not JSON, too deep, too long, or not as Node writes it
    };
    Kind kind = Kind::Malformed;
    ServerQuery query;
    std::string key;
    std::string type;   ///< App: its member "type", when that is a text
    std::string action; ///< App: data.action_name, likewise
    std::string inner; ///< Handle: the app's message that came with it, JSON; empty: none
    std::int64_t seq = 0;
    std::int64_t answered = 0;
    bool accepted = false; ///< Answer: to a connection
    bool marked = false;   ///< it had Bun's byte
};

/// Reads a line without its end. Never throws for what the line holds.
[[nodiscard]] NodeMessage read_message(std::string_view line);
/// True for one JSON value that is not too deep.
[[nodiscard]] bool is_json(std::string_view text);

/// Lines to a worker, with their end.
[[nodiscard]] std::string handle_ack();
[[nodiscard]] std::string disconnect_message(std::int64_t seq);
[[nodiscard]] std::string answer_message(std::int64_t answered, std::int64_t seq);

/// The answer to a query. `error`: errno or 0.
struct ServerReply {
    std::int64_t answered = 0;
    std::int64_t seq = 0;
    int error = 0;
    std::string key;
    std::string data = "null"; ///< JSON
    bool udp = false;
};
[[nodiscard]] std::string reply_message(const ServerReply& reply);
/// The same, to be sent with the socket.
[[nodiscard]] std::string reply_with_socket(const ServerReply& reply);
/// The same for connections that pmd accepts; `sockname` JSON, empty for a path.
[[nodiscard]] std::string reply_for_turns(const ServerReply& reply, std::string_view sockname);
/// A connection, to be sent with it.
[[nodiscard]] std::string connection_message(std::string_view key, std::int64_t seq);

} // namespace pm::channel
