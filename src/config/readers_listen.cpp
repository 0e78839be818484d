// SPDX-License-Identifier: Apache-2.0
// The key `listen`: a text is an address, a map is one with what its socket is to be.
#include "base/path.hpp"
#include "config/app_keys.hpp"
#include "config/listen_text.hpp"
#include "config/readers.hpp"
#include "config/values.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace pm::config::read {
namespace {

using model::ListenAddress;
using model::SocketType;
using Kind = ListenAddress::Kind;

constexpr std::int64_t kMostBacklog = 1'000'000;

/// Where an option has a meaning.
struct Meaning {
    std::string_view key;
    std::string_view where;
    bool (*holds)(const ListenAddress&);
};
constexpr auto kIsIp = [](const ListenAddress& address) { return model::is_ip(address.kind); };
constexpr auto kIsFile = [](const ListenAddress& address) { return address.kind == Kind::Path; };
constexpr std::array kMeanings{
    Meaning{"backlog", "sockets that take connections",
            [](const ListenAddress& address) { return address.type != SocketType::Datagram; }},
    Meaning{"v6only", "addresses of IPv6", [](const ListenAddress& address) { return address.kind == Kind::Ip6; }},
    Meaning{"nodelay", "TCP", [](const ListenAddress& address) { return kIsIp(address) && address.type == SocketType::Stream; }},
    Meaning{"reuseport", "TCP and UDP", kIsIp},
    Meaning{"free_bind", "TCP and UDP", kIsIp},
    Meaning{"user", "paths of unix sockets", kIsFile},
    Meaning{"group", "paths of unix sockets", kIsFile},
    Meaning{"mode", "paths of unix sockets", kIsFile},
};

/// The address being read.
Draft::Listening& current(Draft& draft, std::string_view key, const Field& field)
{
    Draft::Listening& listening = draft.listen.back();
    listening.options.emplace_back(key, field.node().mark);
    return listening;
}

void check_type(Draft::Listening& listening, const Field& item)
{
    if (!listening.type) return;
    ListenAddress& address = listening.address;
    const auto fault = [&](std::string message) {
        item.report().fault(listening.type_mark, Path(item.path(), "type"), std::move(message));
    };
    if (model::is_ip(address.kind) && *listening.type == SocketType::SeqPacket)
        return fault("only unix sockets can be seqpacket");
    if (listening.with_type && *listening.type != address.type)
        return fault(fmt::format("the address says {} itself", model::to_string(address.type)));
    address.type = *listening.type;
}

void check_options(const Draft::Listening& listening, const Field& item)
{
    for (const auto& [key, mark] : listening.options)
        for (const Meaning& meaning : kMeanings)
            if (meaning.key == key && !meaning.holds(listening.address))
                item.report().fault(mark, Path(item.path(), key), fmt::format("only for {}", meaning.where));
}

void take_address(Draft& draft, const Field& field)
{
    Draft::Listening& listening = draft.listen.back();
    listening.mark = field.node().mark;
    listening.has_address = true;
    std::string text;
    if (!field.text(text)) return;
    const auto read = listen_from(text);
    if (!read) return field.fault(read.error());
    ListenAddress& address = listening.address;
    address.kind = read->address.kind;
    address.type = read->address.type;
    address.host = read->address.host;
    address.port = read->address.port;
    listening.with_type = read->with_type;
    listening.right = address.kind != Kind::Path || whole_path(draft, address.host, field);
}

void one_address(Draft& draft, const Field& item)
{
    Draft::Listening& listening = draft.listen.emplace_back();
    listening.mark = item.node().mark;
    if (!item.is(Node::Kind::Map)) return take_address(draft, item);
    listen_keys().read(draft, item);
    if (!listening.has_address) item.fault("'address' is missing");
    if (!listening.right) return;
    check_type(listening, item);
    check_options(listening, item);
}

/// Two of them cannot be had at once.
bool collide(const ListenAddress& left, const ListenAddress& right)
{
    return model::same_place(left, right) || (kIsFile(left) && kIsFile(right) && left.host == right.host);
}

} // namespace

void listen(Draft& draft, const Field& field)
{
    if (field.asks_for_nothing()) return;
    if (field.is(Node::Kind::List) && field.node().entries.size() > model::kMaxListen)
        return field.fault(fmt::format("{} addresses, at most {}", field.node().entries.size(), model::kMaxListen));
    field.each_item([&](const Field& item) { one_address(draft, item); });
}

void listen_address(Draft& draft, const Field& field)
{
    take_address(draft, field);
}

void listen_name(Draft& draft, const Field& field)
{
    std::string name;
    if (!field.text(name)) return;
    if (!model::is_socket_name(name)) return field.expected("a name of ASCII without ':' and blanks");
    draft.listen.back().address.name = std::move(name);
}

void listen_type(Draft& draft, const Field& field)
{
    constexpr std::array<std::string_view, 3> kTypes{"stream", "dgram", "seqpacket"};
    std::string word;
    if (!field.word(word, kTypes)) return;
    draft.listen.back().type = model::socket_type_from(word);
    draft.listen.back().type_mark = field.node().mark;
}

void listen_backlog(Draft& draft, const Field& field)
{
    std::int64_t number = 0;
    auto& backlog = current(draft, "backlog", field).address.backlog;
    if (field.integer(number, 1, kMostBacklog)) backlog = static_cast<std::uint32_t>(number);
}

void listen_flag(Draft& draft, const Field& field, std::string_view key, bool model::ListenAddress::*flag)
{
    field.boolean(current(draft, key, field).address.*flag);
}

void listen_account(Draft& draft, const Field& field, std::string_view key, std::string model::ListenAddress::*who)
{
    account(current(draft, key, field).address.*who, field);
}

void listen_mode(Draft& draft, const Field& field)
{
    ListenAddress& address = current(draft, "mode", field).address;
    const auto mode = field.is(Node::Kind::Scalar) ? umask_from(field.node().text) : std::nullopt;
    if (!mode) return field.expected("permissions in octal, such as 0660");
    address.mode = *mode;
}

void complete_listen(Draft& draft, const Field& app)
{
    const Path list(app.path(), "listen");
    std::vector<ListenAddress>& done = draft.spec.listen;
    for (std::size_t index = 0; index < draft.listen.size(); ++index) {
        Draft::Listening& listening = draft.listen[index];
        if (!listening.right) continue;
        ListenAddress& address = listening.address;
        const auto fault = [&](std::string message) {
            app.report().fault(listening.mark, Path(list, index), std::move(message));
        };
        if (kIsFile(address)) address.host = base::absolute_path(draft.spec.cwd, address.host);
        if (kIsFile(address) && address.host.size() > kMaxSocketPath)
            fault(
                fmt::format("the path of a unix socket has at most {} bytes, this one {}", kMaxSocketPath, address.host.size()));
        if (std::ranges::any_of(done, [&](const ListenAddress& other) { return collide(other, address); }))
            fault("the same address twice");
        if (address.name.empty()) address.name = model::usual_name(address);
        done.push_back(std::move(address));
    }
}

} // namespace pm::config::read
