// SPDX-License-Identifier: Apache-2.0
// Node apps on one port, in one mode of Node's cluster.
#pragma once

#include "node_world.hpp"

#include <atomic>

namespace pm::channel::test {

inline constexpr const char* kPid =
    "require('http').createServer((q, a) => a.end(String(process.pid))).listen(+process.env.PORT);";
inline constexpr const char* kTellsWhenItCloses =
    R"(const s = require('http').createServer((q, a) => a.end('hey')); const close = s.close;
s.close = function (f) { const r = close.call(this, f); console.log('closing'); return r; };
s.listen(+process.env.PORT);)";

class NodeClusterWorld : public NodeWorld, public ::testing::WithParamInterface<ClusterMode> {
protected:
    NodeClusterWorld()
    {
        mode = GetParam();
        spec.env["PORT"] = std::to_string(port);
    }
    std::string answer()
    {
        return answer_at([this] { return get(port); });
    }
    std::string answer_at(const std::function<std::string()>& ask)
    {
        std::string text;
        beside([&] { text = ask(); });
        return text;
    }
    std::uint16_t port = free_port();
};

} // namespace pm::channel::test
