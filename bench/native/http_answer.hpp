// SPDX-License-Identifier: Apache-2.0
// One answer of an HTTP server, read as it comes: enough of HTTP for a server that says how long its answers are.
#pragma once

#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <strings.h>

namespace pm::bench {

class HttpAnswer {
public:
    enum class State { Partial, Complete, Wrong };

    void clear() { text_.clear(); }
    bool empty() const { return text_.empty(); }

    /// Whether all of it is there, and is "200" with the body `expected`. Wrong as soon as it cannot become that any more.
    State add(std::string_view data, std::string_view expected)
    {
        text_ += data;
        const std::string_view text = text_;
        const std::size_t end = text.find("\r\n\r\n");
        if (end == std::string_view::npos) return text.size() > kMaxHead ? State::Wrong : State::Partial;
        const std::string_view body = text.substr(end + 4);
        const auto length = header(text.substr(0, end), "content-length");
        if (!ok(text) || !length || *length != std::to_string(expected.size())) return State::Wrong;
        if (body.size() > expected.size() || body != expected.substr(0, body.size())) return State::Wrong;
        return body.size() == expected.size() ? State::Complete : State::Partial;
    }

    /// Whether the server says that nothing more may be asked on this connection.
    bool closes() const
    {
        const auto value = header(text_, "connection");
        return value && same(*value, "close");
    }

private:
    static constexpr std::size_t kMaxHead = 8192;

    static bool ok(std::string_view text) { return text.starts_with("HTTP/1.1 200 ") || text.starts_with("HTTP/1.0 200 "); }
    static bool same(std::string_view one, std::string_view other)
    {
        return one.size() == other.size() && strncasecmp(one.data(), other.data(), one.size()) == 0;
    }

    static std::optional<std::string_view> header(std::string_view head, std::string_view name)
    {
        for (std::size_t begin = head.find("\r\n"); begin != std::string_view::npos; begin = head.find("\r\n", begin + 2)) {
            const std::string_view line = head.substr(begin + 2, head.find("\r\n", begin + 2) - begin - 2);
            if (line.size() <= name.size() || line[name.size()] != ':' || !same(line.substr(0, name.size()), name)) continue;
            const std::string_view value = line.substr(name.size() + 1);
            const std::size_t first = value.find_first_not_of(" \t");
            return first == std::string_view::npos ? std::string_view{} : value.substr(first);
        }
        return std::nullopt;
    }

    std::string text_;
};

} // namespace pm::bench
