// SPDX-License-Identifier: Apache-2.0
// Text in, structures out, and back: no process, no socket.
#include "channel/cluster_address.hpp"
#include "channel/node_lines.hpp"
#include "channel/node_protocol.hpp"
#include "channel/node_state.hpp"

#include <cerrno>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace pm::channel {
namespace {

using Kind = NodeMessage::Kind;
using Family = ServerQuery::Family;

TEST(NodeLines, AreCutAtTheirEndsHoweverTheBytesCome)
{
    const std::string text = "one\n\ntwo\nthr";
    for (std::size_t piece = 1; piece <= text.size(); ++piece) {
        NodeLines lines(8);
        std::vector<std::string> got;
        for (std::size_t at = 0; at < text.size(); at += piece)
            ASSERT_TRUE(lines.feed(std::string_view(text).substr(at, piece),
                                   [&](std::string_view line) { return got.emplace_back(line), true; }));
        EXPECT_EQ(got, (std::vector<std::string>{"one", "two"})) << piece;
        EXPECT_EQ(lines.rest(), "thr");
    }
}

TEST(NodeLines, AreNoLongerThanTheBound)
{
    const auto any = [](std::string_view) { return true; };
    NodeLines lines(4);
    EXPECT_TRUE(lines.feed("1234", any));
    EXPECT_TRUE(lines.feed("\n1234\n", any));
    EXPECT_TRUE(lines.feed("12", any));
    EXPECT_FALSE(lines.feed("345", any));
    NodeLines whole(4);
    EXPECT_FALSE(whole.feed("12345\n", any));
}

TEST(NodeProtocol, TellsMessagesApart)
{
    struct Row {
        std::string line;
        Kind kind;
    };
    const Row rows[] = {
        {R"("ready")", Kind::Ready},
        {R"(["ready"])", Kind::App},
        {R"({"cmd":"ready"})", Kind::App},
        {R"({"cmd":"NODE_"})", Kind::App},
        {R"({"cmd":{"cmd":"NODE_HANDLE"}})", Kind::App},
        {R"({"a":{"cmd":"NODE_HANDLE"}})", Kind::App},
        {R"({"cmd":["x"],"b":"NODE_HANDLE"})", Kind::App},
        {R"({"cmd":1,"b":"NODE_HANDLE"})", Kind::App},
        {"null", Kind::App},
        {R"({"cmd":"NODE_OTHER"})", Kind::Unknown},
        {R"({"cmd":"NODE_HANDLE_ACK"})", Kind::HandleAck},
        {R"({"cmd":"NODE_HANDLE_NACK"})", Kind::HandleNack},
        {R"({"cmd":"NODE_HANDLE","type":"net.Socket","msg":{"a":1}})", Kind::Handle},
        {R"({"cmd":"NODE_CLUSTER","act":"online","seq":0})", Kind::Online},
        {R"({"cmd":"NODE_CLUSTER","act":"exitedAfterDisconnect","seq":4})", Kind::Leaving},
        {R"({"cmd":"NODE_CLUSTER","act":"close","key":"k","seq":5})", Kind::Close},
        {R"({"cmd":"NODE_CLUSTER","ack":5,"accepted":true,"seq":6})", Kind::Answer},
        {R"({"cmd":"NODE_CLUSTER","act":"else"})", Kind::Unknown},
        {R"({"cmd":"NODE_CLUSTER","act":"queryServer"})", Kind::Malformed},
        {R"({"cmd":"NODE_CLUSTER","act":"queryServer","addressType":4,"port":70000})", Kind::Malformed},
        {R"({"cmd":"NODE_CLUSTER","act":"queryServer","addressType":[]})", Kind::Malformed},
        {"", Kind::Malformed},
        {"{", Kind::Malformed},
        {"nonsense", Kind::Malformed},
        {"\"\xff\"", Kind::Malformed},
        {std::string(400, '[') + std::string(400, ']'), Kind::App},
        {std::string(600, '[') + std::string(600, ']'), Kind::Malformed},
        {std::string(1 << 20, '['), Kind::Malformed},
        {R"({"cmd":"NODE_CLUSTER","act":")" + std::string(300'000, 'x') + "\"}", Kind::Malformed},
    };
    for (const Row& row : rows) EXPECT_EQ(read_message(row.line).kind, row.kind) << row.line.substr(0, 100);
}

TEST(NodeProtocol, BunsByteIsNotOfTheMessage)
{
    const NodeMessage message = read_message("\x02{\"cmd\":\"NODE_CLUSTER\",\"act\":\"online\"}");
    EXPECT_EQ(message.kind, Kind::Online);
    EXPECT_TRUE(message.marked);
}

TEST(NodeProtocol, MessageOfAHandleIsTheApps)
{
    EXPECT_EQ(read_message(R"({"cmd":"NODE_HANDLE","type":"net.Socket","msg":{"a":1}})").inner, R"({"a":1})");
    EXPECT_EQ(read_message(R"({"cmd":"NODE_HANDLE","msg":{"cmd":"NODE_X"}})").inner, "");
}

struct QueryRow {
    std::string members;
    ServerQuery query;
    std::string place;
    std::string people;
};

const QueryRow kQueries[] = {
    {R"("address":null,"port":8000,"addressType":4,"backlog":0,"index":3,"data":null)",
     {.family = Family::Ip4, .port = 8000, .index = 3, .data = "null", .seq = 1},
     "null:8000:4",
     "tcp *:8000"},
    {R"("address":"127.0.0.1","port":0,"addressType":4,"index":2)",
     {.family = Family::Ip4, .address = "127.0.0.1", .index = 2, .data = "null", .seq = 1},
     "127.0.0.1:0:4#2",
     "tcp 127.0.0.1:0"},
    {R"("address":"::1","port":80,"addressType":6,"flags":1,"backlog":7)",
     {.family = Family::Ip6, .address = "::1", .port = 80, .flags = 1, .backlog = 7, .data = "null", .seq = 1},
     "::1:80:6",
     "tcp [::1]:80"},
    {R"("address":null,"port":53,"addressType":"udp4","flags":4)",
     {.family = Family::Udp4, .port = 53, .flags = 4, .data = "null", .seq = 1},
     "null:53:udp4",
     "udp *:53"},
    {R"("address":"/run/x","port":-1,"addressType":-1,"readableAll":true,"data":{"ticketKeys":"ab"})",
     {.family = Family::Path, .address = "/run/x", .readable_all = true, .data = R"({"ticketKeys":"ab"})", .seq = 1},
     "/run/x:-1:-1",
     "unix:/run/x"},
    {R"("address":null,"port":null,"addressType":null,"fd":3)",
     {.family = Family::Descriptor, .fd = 3, .data = "null", .seq = 1},
     "fd 3",
     "fd 3"},
    {R"("address":null,"port":1,"addressType":4,"backlog":99999999999)",
     {.family = Family::Ip4, .port = 1, .backlog = INT16_MAX, .data = "null", .seq = 1},
     "null:1:4",
     "tcp *:1"},
};

TEST(NodeProtocol, ReadsQueriesFieldByField)
{
    for (const QueryRow& row : kQueries) {
        const NodeMessage message = read_message(R"({"cmd":"NODE_CLUSTER","act":"queryServer","seq":1,)" + row.members + "}");
        ASSERT_EQ(message.kind, Kind::Query) << row.members;
        EXPECT_EQ(message.query, row.query) << row.members;
        EXPECT_EQ(place_of(message.query), row.place);
        EXPECT_EQ(for_people(message.query), row.people);
    }
}

TEST(NodeProtocol, DataThatIsTooLongIsNotKept)
{
    const auto message = read_message(R"({"cmd":"NODE_CLUSTER","act":"queryServer","addressType":4,"port":1,"data":")" +
                                      std::string(20'000, 'x') + "\"}");
    EXPECT_EQ(message.query.data, "null");
}

TEST(NodeProtocol, WritesLinesAsNodeReadsThem)
{
    using nlohmann::json;
    const ServerReply reply{.answered = 1, .seq = 9, .error = 98, .key = "k\n", .data = R"({"ticketKeys":"ab"})"};
    EXPECT_EQ(json::parse(reply_message(reply)),
              json::parse(R"({"cmd":"NODE_CLUSTER","errno":-98,"key":"k\n","ack":1,"data":{"ticketKeys":"ab"},"seq":9})"));
    EXPECT_EQ(json::parse(reply_with_socket({.udp = true}))["type"], "dgram.Native");
    EXPECT_EQ(json::parse(reply_with_socket({}))["type"], "net.Native");
    EXPECT_EQ(json::parse(reply_for_turns({}, R"({"port":1})"))["sockname"]["port"], 1);
    EXPECT_EQ(json::parse(connection_message("k", 5))["msg"],
              json::parse(R"({"cmd":"NODE_CLUSTER","act":"newconn","key":"k","seq":5})"));
    for (const std::string& line :
         {handle_ack(), disconnect_message(3), answer_message(1, 2), reply_message(reply), connection_message("\xff", 1)}) {
        EXPECT_EQ(line.find('\n'), line.size() - 1) << line;
        EXPECT_TRUE(is_json(std::string_view(line).substr(0, line.size() - 1))) << line;
    }
}

TEST(ClusterAddress, IsWhereTheWorkerWouldHaveListened)
{
    using K = model::ListenAddress::Kind;
    const auto at = [](const ServerQuery& query) { return *address_of(query, 0027); };
    EXPECT_EQ(at({.port = 80}).kind, K::Any);
    EXPECT_EQ(at({.port = 80}).backlog, 511U);
    EXPECT_EQ(at({.port = 80, .backlog = 5}).backlog, 5U);
    EXPECT_EQ(at({.port = 80, .flags = 1}).kind, K::Ip6);
    EXPECT_TRUE(at({.port = 80, .flags = 1}).v6only);
    EXPECT_FALSE(at({.family = Family::Ip6, .address = "::"}).v6only);
    EXPECT_EQ(at({.family = Family::Udp6, .port = 80}).type, model::SocketType::Datagram);
    EXPECT_EQ(at({.family = Family::Udp4}).host, "0.0.0.0");
    EXPECT_EQ(at({.family = Family::Path, .address = "/x"}).mode, 0750U);
    EXPECT_EQ(at({.family = Family::Path, .address = "/x", .readable_all = true, .writable_all = true}).mode, 0776U);
    EXPECT_EQ(at({.family = Family::Path, .address = std::string("\0x", 2)}).kind, K::Abstract);
}

TEST(ClusterAddress, NamesAndOtherNonsenseAreNoAddresses)
{
    const ServerQuery bad[] = {{.address = "localhost"},
                               {.address = "::1"},
                               {.family = Family::Ip6, .address = "1.2.3.4"},
                               {.family = Family::Path},
                               {.family = Family::Path, .address = "x"},
                               {.family = Family::Path, .address = std::string("/a\0b", 4)}};
    for (const ServerQuery& query : bad) EXPECT_EQ(address_of(query, 0).error(), EINVAL) << place_of(query);
    EXPECT_EQ(address_of({.family = Family::Path, .address = "/" + std::string(200, 'x')}, 0).error(), ENAMETOOLONG);
}

TEST(ClusterAddress, ASandboxIsNotLeftByAskingPmd)
{
    model::AppSpec spec;
    EXPECT_EQ(refused_by_sandbox(spec, {}), 0);
    spec.sandbox = {{"PrivateNetwork", {"yes"}, {{"PrivateNetwork", true}}}};
    EXPECT_EQ(refused_by_sandbox(spec, {}), EACCES);
    spec.sandbox = {{"PrivateNetwork", {"no"}, {{"PrivateNetwork", false}}}};
    EXPECT_EQ(refused_by_sandbox(spec, {}), 0);
    spec.sandbox = {{"RootDirectory", {"/x"}, {{"RootDirectory", std::string("/x")}}}};
    EXPECT_EQ(refused_by_sandbox(spec, {}), 0);
    EXPECT_EQ(refused_by_sandbox(spec, {.family = Family::Path}), EACCES);
    EXPECT_FALSE(may_bind_low_ports(spec));
    spec.sandbox = {{"AmbientCapabilities", {"CAP_NET_BIND_SERVICE"}, {{"AmbientCapabilities", std::uint64_t{1} << 10}}}};
    EXPECT_TRUE(may_bind_low_ports(spec));
}

NodeState full_state()
{
    NodeState state{.last_id = 7};
    KeptWorker worker{{base::InstanceId{1}, base::Generation{2}}, 5, true, true, false, {{"k", "null:80:4"}}, {"tcp *:80"}, {{"act", {"custom", 2, "acts"}}}, {}};
    worker.link = {.marked = true,
                   .begun = "\"\xc3",
                   .unsent = "rest",
                   .queue = {{.text = "a\n", .number = 3, .key = "k", .stored = "cluster-1"}, {.text = "b\n"}},
                   .sent = true};
    state.workers.push_back(worker);
    ClusterSocket socket{.app = "web", .place = "/x:-1:-1", .turns = true, .data = R"({"a":1})"};
    socket.address = {.kind = model::ListenAddress::Kind::Path, .host = "/x"};
    socket.owner = std::make_shared<const model::Identity>(model::Identity{1, 2, {3}, "me"});
    state.sockets.push_back(socket);
    return state;
}

TEST(NodeStateText, ComesBackAsItWas)
{
    const std::string bytes = to_bytes(full_state());
    const NodeState back = state_from(bytes);
    EXPECT_EQ(to_bytes(back), bytes);
    ASSERT_EQ(back.workers.size(), 1U);
    EXPECT_EQ(back.workers[0].link.begun, "\"\xc3");
    EXPECT_EQ(back.workers[0].link.queue.size(), 2U);
    EXPECT_EQ(back.workers[0].actions, full_state().workers[0].actions);
    EXPECT_EQ(back.workers[0].key.generation.value, 2U);
    ASSERT_EQ(back.sockets.size(), 1U);
    EXPECT_EQ(*back.sockets.front().owner, *full_state().sockets.front().owner);
}

TEST(NodeStateText, AConnectionOnItsWayIsLeftOut)
{
    NodeState state = full_state();
    state.workers[0].link.queue.front().connection = true;
    const NodeState back = state_from(to_bytes(state));
    EXPECT_FALSE(back.workers[0].link.sent);
    EXPECT_EQ(back.workers[0].link.queue.size(), 1U);
}

TEST(NodeStateText, AnyDamageIsSurvived)
{
    const std::string bytes = to_bytes(full_state());
    for (std::size_t at = 0; at < bytes.size(); ++at) {
        (void)state_from(std::string_view(bytes).substr(0, at));
        for (const int change : {1, 0x20, 0x80}) {
            std::string other = bytes;
            other[at] = static_cast<char>(other[at] ^ change);
            (void)state_from(other);
        }
    }
    EXPECT_TRUE(state_from("").workers.empty());
}

} // namespace
} // namespace pm::channel
