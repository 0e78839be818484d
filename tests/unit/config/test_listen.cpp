// SPDX-License-Identifier: Apache-2.0
// The key `listen`: every way to write an address, every option, every fault at its place.
#include "parse_helpers.hpp"

namespace pm::config::test {
namespace {

using model::ListenAddress;
using model::SocketType;
using Kind = ListenAddress::Kind;
using Strings = std::vector<std::string>;

std::string with_listen(const std::string& listen)
{
    return "name: web\nscript: s\nlisten: " + listen + "\n";
}

ListenAddress one(const std::string& listen)
{
    const model::AppSpec spec = app(with_listen(listen));
    if (spec.listen.size() == 1) return spec.listen[0];
    ADD_FAILURE() << spec.listen.size() << " addresses in: " << listen;
    return {};
}

struct AddressRow {
    std::string written;
    Kind kind;
    SocketType type;
    std::string host;
    std::uint16_t port;
    std::string name;
    std::string text; ///< as it is shown
};

TEST(Listen, TakesAddressesInEveryForm)
{
    const std::vector<AddressRow> rows{
        {"8000", Kind::Any, SocketType::Stream, "", 8000, "8000", "*:8000"},
        {"'8000'", Kind::Any, SocketType::Stream, "", 8000, "8000", "*:8000"},
        {"'*:8000'", Kind::Any, SocketType::Stream, "", 8000, "8000", "*:8000"},
        {"':8000'", Kind::Any, SocketType::Stream, "", 8000, "8000", "*:8000"},
        {"0.0.0.0:80", Kind::Ip4, SocketType::Stream, "0.0.0.0", 80, "80", "0.0.0.0:80"},
        {"127.0.0.1:65535", Kind::Ip4, SocketType::Stream, "127.0.0.1", 65535, "65535", "127.0.0.1:65535"},
        {"'[::]:8000'", Kind::Ip6, SocketType::Stream, "::", 8000, "8000", "[::]:8000"},
        {"'[0:0::0:1]:8000'", Kind::Ip6, SocketType::Stream, "::1", 8000, "8000", "[::1]:8000"},
        {"tcp://127.0.0.1:80", Kind::Ip4, SocketType::Stream, "127.0.0.1", 80, "80", "127.0.0.1:80"},
        {"'tcp://[::1]:80'", Kind::Ip6, SocketType::Stream, "::1", 80, "80", "[::1]:80"},
        {"'udp://*:53'", Kind::Any, SocketType::Datagram, "", 53, "53", "udp://*:53"},
        {"udp://53", Kind::Any, SocketType::Datagram, "", 53, "53", "udp://*:53"},
        {"udp://10.0.0.1:53", Kind::Ip4, SocketType::Datagram, "10.0.0.1", 53, "53", "udp://10.0.0.1:53"},
        {"unix:/run/x.sock", Kind::Path, SocketType::Stream, "/run/x.sock", 0, "x.sock", "unix:/run/x.sock"},
        {"unix:run/x.sock", Kind::Path, SocketType::Stream, "/srv/run/x.sock", 0, "x.sock", "unix:/srv/run/x.sock"},
        {"unix:~/x.sock", Kind::Path, SocketType::Stream, "/home/ann/x.sock", 0, "x.sock", "unix:/home/ann/x.sock"},
        {"'unix:/run/a:b'", Kind::Path, SocketType::Stream, "/run/a:b", 0, "unix", "unix:/run/a:b"},
        {"unix:@web", Kind::Abstract, SocketType::Stream, "web", 0, "web", "unix:@web"},
    };
    for (const AddressRow& row : rows) {
        const ListenAddress address = one(row.written);
        EXPECT_EQ(address.kind, row.kind) << row.written;
        EXPECT_EQ(address.type, row.type) << row.written;
        EXPECT_EQ(address.host, row.host) << row.written;
        EXPECT_EQ(address.port, row.port) << row.written;
        EXPECT_EQ(address.name, row.name) << row.written;
        EXPECT_EQ(model::to_string(address), row.text);
    }
}

TEST(Listen, SeesRelativePathsFromCwdWhichMayComeLater)
{
    EXPECT_EQ(app("name: a\nscript: s\nlisten: unix:x\ncwd: sub\n").listen.at(0).host, "/srv/sub/x");
}

TEST(Listen, TakesAListAndKeepsItsOrder)
{
    const model::AppSpec spec = app(with_listen("[8000, {address: 'unix:x'}, '[::]:9000']"));
    ASSERT_EQ(spec.listen.size(), 3u);
    EXPECT_EQ(spec.listen[0].port, 8000);
    EXPECT_EQ(spec.listen[1].host, "/srv/x");
    EXPECT_EQ(spec.listen[2].port, 9000);
    for (const char* nothing : {"", "~", "[]", "false"}) EXPECT_TRUE(app(with_listen(nothing)).listen.empty()) << nothing;
}

TEST(Listen, TakesOptions)
{
    const ListenAddress tcp = one("{backlog: 10, v6only: false, reuseport: true, nodelay: true, free_bind: true, name: http, "
                                  "address: '[::]:80', type: stream}");
    EXPECT_EQ(tcp.backlog, 10u);
    EXPECT_FALSE(tcp.v6only);
    EXPECT_TRUE(tcp.reuseport && tcp.nodelay && tcp.free_bind);
    EXPECT_EQ(tcp.name, "http");
    const ListenAddress path = one("{address: unix:/x, type: seqpacket, user: ann, group: 33, mode: 0600}");
    EXPECT_EQ(path.type, SocketType::SeqPacket);
    EXPECT_EQ(path.user, "ann");
    EXPECT_EQ(path.group, "33");
    EXPECT_EQ(path.mode, 0600u);
    EXPECT_EQ(one("{address: 53, type: dgram}").type, SocketType::Datagram);
    EXPECT_EQ(one("{address: unix:@x, type: dgram}").type, SocketType::Datagram);
    const ListenAddress usual = one("'[::]:80'");
    EXPECT_TRUE(usual.v6only);
    EXPECT_EQ(usual.backlog, ListenAddress::kUsualBacklog);
    EXPECT_EQ(one("unix:/x").mode, 0660u);
}

struct FaultRow {
    std::string written;
    std::string said;
};

TEST(Listen, TellsEveryFaultAtItsPlace)
{
    const std::string expected =
        "expected an address such as 8000, 127.0.0.1:8000, '[::]:8000', 'udp://*:53' or unix:/run/app.sock, not ";
    const std::vector<FaultRow> rows{
        {"nowhere", "3:9: listen: " + expected + "'nowhere'"},
        {"[8000, '']", "3:16: listen[1]: " + expected + "''"},
        {"[8000, '[::1]']", "3:16: listen[1]: " + expected + "'[::1]'"},
        {"'[::1'", "3:9: listen: " + expected + "'[::1'"},
        {"http://1.2.3.4:x", "3:9: listen: " + expected + "'http://1.2.3.4:x'"},
        {"99999", "3:9: listen: port 99999: expected one from 1 to 65535"},
        {"'127.0.0.1:0'", "3:9: listen: port 0: expected one from 1 to 65535"},
        {"'::1:80'", "3:9: listen: an IPv6 address stands in brackets, as '[::1]:8000', not '::1'"},
        {"'[1.2.3.4]:80'", "3:9: listen: '1.2.3.4' is no IPv6 address"},
        {"'[fe80::1%eth0]:80'", "3:9: listen: addresses of one interface ('%') are not supported yet"},
        {"1.2.3:80", "3:9: listen: '1.2.3' is no IPv4 address"},
        {"localhost:80", "3:9: listen: 'localhost' is a name: give an IP address, such as 127.0.0.1 or [::1], or * for all"},
        {"'unix:'", "3:9: listen: expected a path or '@' and a name behind 'unix:'"},
        {"unix:@", "3:9: listen: expected a path or '@' and a name behind 'unix:'"},
        {"unix:~bob/x", "3:9: listen: of '~' only '~/...' is understood"},
        {"unix:/" + std::string(107, 'x'), "3:9: listen[0]: the path of a unix socket has at most 107 bytes, this one 108"},
        {"unix:@" + std::string(108, 'x'), "3:9: listen: a name of 108 bytes, at most 107"},
        {"[8000, 127.0.0.1:8000, '*:8000']", "3:32: listen[2]: the same address twice"},
        {"['unix:/x', {address: 'unix:/y/../x', type: dgram}]", "3:31: listen[1]: the same address twice"},
        {"{name: a}", "3:9: listen: 'address' is missing"},
        {"{address: 80, name: 'a:b'}", "3:29: listen.name: expected a name of ASCII without ':' and blanks, not 'a:b'"},
        {"{address: 80, type: raw}", "3:29: listen.type: expected stream, dgram, seqpacket, not 'raw'"},
        {"{address: 80, type: seqpacket}", "3:29: listen.type: only unix sockets can be seqpacket"},
        {"{type: dgram, address: tcp://80}", "3:16: listen.type: the address says stream itself"},
        {"{address: udp://80, backlog: 5}", "3:38: listen.backlog: only for sockets that take connections"},
        {"{v6only: true, address: 80}", "3:18: listen.v6only: only for addresses of IPv6"},
        {"{address: unix:x, nodelay: true}", "3:36: listen.nodelay: only for TCP"},
        {"{address: unix:x, free_bind: true}", "3:38: listen.free_bind: only for TCP and UDP"},
        {"{address: 80, mode: 0600}", "3:29: listen.mode: only for paths of unix sockets"},
        {"{address: unix:@x, user: ann}", "3:34: listen.user: only for paths of unix sockets"},
        {"{address: unix:x, mode: 9}", "3:33: listen.mode: expected permissions in octal, such as 0660, not '9'"},
        {"{address: 80, backlog: 0}", ""},
        {"{address: 80, prot: 0}", ""},
    };
    for (const FaultRow& row : rows) {
        const Strings all = said(parse(with_listen(row.written)));
        ASSERT_EQ(all.size(), 1u) << row.written;
        EXPECT_EQ(all[0], row.said.empty() ? all[0] : row.said);
    }
    std::string many = "[1";
    for (int port = 2; port <= 65; ++port) many += ", " + std::to_string(port);
    EXPECT_EQ(said(parse(with_listen(many + "]"))), Strings{"3:9: listen: 65 addresses, at most 64"});
}

TEST(Listen, InstancesOfANodeAppThatListensShareThePort)
{
    EXPECT_TRUE(said(parse("script: a.js\ninstances: 2\nlisten: 8000\n")).empty());
}

TEST(Listen, IsWrittenAsShortAsItCanBe)
{
    const model::AppSpec spec = app(with_listen("[8000, '[::]:80', {address: unix:x, mode: 0666}, {address: udp://53, name: dns}]"));
    const std::string yaml = to_yaml(spec, true);
    EXPECT_NE(yaml.find("    listen:\n"
                        "      - \"*:8000\"\n"
                        "      - \"[::]:80\"\n"
                        "      - {address: \"unix:/srv/x\", mode: \"0666\"}\n"
                        "      - {address: \"udp://*:53\", name: dns}\n"),
              std::string::npos)
        << yaml;
}

} // namespace
} // namespace pm::config::test
