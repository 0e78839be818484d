// SPDX-License-Identifier: Apache-2.0
#include "channel/node_protocol.hpp"

#include "model/custom_data.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace pm::channel {
namespace {

using Json = nlohmann::json;
using Kind = NodeMessage::Kind;
using Family = ServerQuery::Family;

constexpr std::size_t kMostDepth = 512;
/// Of a message of Node's own: paths and ticket keys are its longest parts. Longer ones are not looked into.
constexpr std::size_t kMostInternal = std::size_t{256} << 10;
constexpr std::size_t kMostData = std::size_t{16} << 10;

/// Goes through a value without building it, and keeps what tells whose message it is.
class Glance : public nlohmann::json_sax<Json> {
public:
    std::string text; ///< of a value that is a string, when short
    std::string cmd;  ///< the member `cmd`, when it is a string
    std::string type; ///< the member `type`, likewise
    std::string action; ///< the member `action_name` of the member `data`, likewise
    bool too_deep = false;

    bool null() override { return plain(); }
    bool boolean(bool) override { return plain(); }
    bool number_integer(number_integer_t) override { return plain(); }
    bool number_unsigned(number_unsigned_t) override { return plain(); }
    bool number_float(number_float_t, const string_t&) override { return plain(); }
    bool binary(binary_t&) override { return plain(); }
    bool string(string_t& value) override
    {
        constexpr std::size_t kMost = 64;
        if (depth_ == 0 && value.size() <= kMost) text = value;
        if (depth_ == 1 && at_ == At::Cmd) cmd = value.substr(0, kMost);
        if (depth_ == 1 && at_ == At::Type) type = value.substr(0, kMost);
        if (depth_ == 2 && at_action_) action = value.substr(0, model::CustomBounds::kName + 1);
        return plain();
    }
    bool key(string_t& name) override
    {
        if (depth_ == 1) at_ = name == "cmd" ? At::Cmd : name == "type" ? At::Type : name == "data" ? At::Data : At::Other;
        at_action_ = depth_ == 2 && at_ == At::Data && name == "action_name";
        return true;
    }
    bool start_object(std::size_t) override { return deeper(); }
    bool end_object() override { return --depth_, true; }
    bool start_array(std::size_t) override { return deeper(); }
    bool end_array() override { return --depth_, true; }
    bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override { return false; }

private:
    enum class At { Other, Cmd, Type, Data }; ///< the member of the outermost object

    static bool plain() { return true; } // a name comes before whatever is next
    bool deeper()
    {
        too_deep = ++depth_ > kMostDepth;
        return !too_deep;
    }
    std::size_t depth_ = 0;
    At at_ = At::Other;
    bool at_action_ = false;
};

bool look(std::string_view text, Glance& glance)
{
    return Json::sax_parse(text, &glance);
}

std::string string_of(const Json& from, const char* name)
{
    const auto found = from.find(name);
    return found != from.end() && found->is_string() ? found->get<std::string>() : "";
}

std::optional<std::int64_t> number_of(const Json& from, const char* name)
{
    const auto found = from.find(name);
    if (found == from.end() || !found->is_number_integer()) return std::nullopt;
    return found->get<std::int64_t>();
}

bool flag_of(const Json& from, const char* name)
{
    const auto found = from.find(name);
    return found != from.end() && found->is_boolean() && found->get<bool>();
}

std::optional<Family> family_of(const Json& from)
{
    if (number_of(from, "fd").value_or(-1) >= 0) return Family::Descriptor;
    const std::string name = string_of(from, "addressType");
    if (name == "udp4") return Family::Udp4;
    if (name == "udp6") return Family::Udp6;
    switch (number_of(from, "addressType").value_or(0)) {
    case 4: return Family::Ip4;
    case 6: return Family::Ip6;
    case -1: return Family::Path;
    default: return std::nullopt;
    }
}

std::optional<ServerQuery> query_of(const Json& from)
{
    const auto family = family_of(from);
    if (!family) return std::nullopt;
    ServerQuery query{.family = *family};
    if (const auto address = from.find("address"); address != from.end() && address->is_string())
        query.address = address->get<std::string>();
    const std::int64_t port = number_of(from, "port").value_or(0);
    const bool has_port = *family != Family::Path && *family != Family::Descriptor;
    if (has_port && (port < 0 || port > UINT16_MAX)) return std::nullopt;
    if (has_port) query.port = static_cast<std::uint16_t>(port);
    query.fd = static_cast<int>(number_of(from, "fd").value_or(-1));
    query.index = number_of(from, "index").value_or(0);
    query.flags = static_cast<std::uint32_t>(number_of(from, "flags").value_or(0));
    const std::int64_t backlog = number_of(from, "backlog").value_or(0);
    query.backlog = backlog > INT16_MAX || backlog < 0 ? (backlog < 0 ? 0 : INT16_MAX) : static_cast<int>(backlog);
    query.readable_all = flag_of(from, "readableAll");
    query.writable_all = flag_of(from, "writableAll");
    const auto data = from.find("data");
    query.data = data != from.end() ? data->dump() : "null";
    if (query.data.size() > kMostData) query.data = "null";
    query.seq = number_of(from, "seq").value_or(0);
    return query;
}

NodeMessage with_query(Kind kind, const Json& from)
{
    auto query = query_of(from);
    if (!query) return {.kind = Kind::Malformed};
    NodeMessage message{.kind = kind};
    message.query = *std::move(query);
    return message;
}

NodeMessage read_cluster(const Json& from)
{
    NodeMessage message{.kind = Kind::Unknown};
    message.seq = number_of(from, "seq").value_or(0);
    if (const auto answered = number_of(from, "ack")) {
        message.kind = Kind::Answer;
        message.answered = *answered;
        message.accepted = flag_of(from, "accepted");
        return message;
    }
    const std::string act = string_of(from, "act");
    if (act == "queryServer") return with_query(Kind::Query, from);
    if (act == "listening") return with_query(Kind::Listening, from);
    if (act == "online") message.kind = Kind::Online;
    if (act == "exitedAfterDisconnect") message.kind = Kind::Leaving;
    if (act == "close") message.kind = Kind::Close;
    message.key = string_of(from, "key");
    return message;
}

bool is_internal(std::string_view cmd) noexcept
{
    constexpr std::string_view kPrefix = "NODE_";
    return cmd.size() > kPrefix.size() && cmd.starts_with(kPrefix);
}

NodeMessage read_handle(const Json& from)
{
    NodeMessage message{.kind = Kind::Handle};
    const auto inner = from.find("msg");
    if (inner == from.end() || inner->is_null()) return message;
    if (inner->is_object() && is_internal(string_of(*inner, "cmd"))) return message;
    message.inner = inner->dump();
    return message;
}

NodeMessage read_internal(std::string_view cmd, std::string_view line)
{
    if (cmd == "NODE_HANDLE_ACK") return {.kind = Kind::HandleAck};
    if (cmd == "NODE_HANDLE_NACK") return {.kind = Kind::HandleNack};
    if (cmd == "NODE_PMD_SERVES") return {.kind = Kind::Serves};
    if (cmd == "NODE_PMD_DRAINED") return {.kind = Kind::Drained};
    const bool handle = cmd == "NODE_HANDLE";
    if (!handle && cmd != "NODE_CLUSTER") return {.kind = Kind::Unknown};
    if (line.size() > kMostInternal) return {.kind = handle ? Kind::Handle : Kind::Malformed};
    const Json value = Json::parse(line, nullptr, false);
    if (!value.is_object()) return {.kind = Kind::Malformed};
    return handle ? read_handle(value) : read_cluster(value);
}

std::string line_of(const Json& value)
{
    return value.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n';
}

Json to_json(const ServerReply& reply)
{
    return {{"cmd", "NODE_CLUSTER"},
            {"errno", -reply.error},
            {"key", reply.key},
            {"ack", reply.answered},
            {"data", Json::parse(reply.data, nullptr, false)},
            {"seq", reply.seq}};
}

std::string with_handle(std::string_view type, Json message)
{
    return line_of({{"cmd", "NODE_HANDLE"}, {"type", type}, {"msg", std::move(message)}});
}

} // namespace

bool is_udp(const ServerQuery& query) noexcept
{
    return query.family == Family::Udp4 || query.family == Family::Udp6;
}

/// For other ports than 0 the index does not count: Node 16 and before count it up on every listen().
std::string place_of(const ServerQuery& query)
{
    const std::string address = query.address.value_or("null");
    switch (query.family) {
    case Family::Descriptor: return fmt::format("fd {}", query.fd);
    case Family::Path: return fmt::format("{}:-1:-1", address);
    case Family::Ip4:
    case Family::Ip6:
    case Family::Udp4:
    case Family::Udp6: break;
    }
    constexpr const char* kTypes[] = {"4", "6", "udp4", "udp6"};
    const std::string place = fmt::format("{}:{}:{}", address, query.port, kTypes[static_cast<int>(query.family)]);
    return query.port == 0 ? fmt::format("{}#{}", place, query.index) : place;
}

NodeMessage read_message(std::string_view line)
{
    const bool marked = line.starts_with(kBunMark);
    if (marked) line.remove_prefix(1);
    Glance glance;
    NodeMessage message;
    if (!look(line, glance)) return message;
    if (glance.text == "ready")
        message.kind = Kind::Ready;
    else if (is_internal(glance.cmd))
        message = read_internal(glance.cmd, line);
    else {
        message.kind = Kind::App;
        message.type = std::move(glance.type);
        message.action = std::move(glance.action);
    }
    message.marked = marked;
    return message;
}

bool is_json(std::string_view text)
{
    Glance glance;
    return look(text, glance);
}

std::string handle_ack()
{
    return line_of({{"cmd", "NODE_HANDLE_ACK"}});
}

std::string disconnect_message(std::int64_t seq)
{
    return line_of({{"cmd", "NODE_CLUSTER"}, {"act", "disconnect"}, {"seq", seq}});
}

std::string answer_message(std::int64_t answered, std::int64_t seq)
{
    return line_of({{"cmd", "NODE_CLUSTER"}, {"ack", answered}, {"seq", seq}});
}

std::string reply_message(const ServerReply& reply)
{
    return line_of(to_json(reply));
}

std::string reply_with_socket(const ServerReply& reply)
{
    return with_handle(reply.udp ? "dgram.Native" : "net.Native", to_json(reply));
}

std::string reply_for_turns(const ServerReply& reply, std::string_view sockname)
{
    Json message = to_json(reply);
    if (!sockname.empty()) message["sockname"] = Json::parse(sockname, nullptr, false);
    return line_of(message);
}

std::string connection_message(std::string_view key, std::int64_t seq)
{
    return with_handle("net.Native", {{"cmd", "NODE_CLUSTER"}, {"act", "newconn"}, {"key", key}, {"seq", seq}});
}

} // namespace pm::channel
