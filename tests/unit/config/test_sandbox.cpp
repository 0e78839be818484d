// SPDX-License-Identifier: Apache-2.0
// `sandbox`: every property has its form, and what is not of that form is told with its place.
#include "config/sandbox_readers.hpp"

#include "../../systemd/sandbox_samples.hpp"
#include "parse_helpers.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <fmt/format.h>

namespace pm::config::test {
namespace {

using model::UnitProperty;
using Strings = std::vector<std::string>;
using Properties = std::vector<UnitProperty>;

std::string with_sandbox(std::string_view setting) { return fmt::format("script: a\nsandbox:\n  {}\n", setting); }

Properties properties(std::string_view setting)
{
    const auto sandbox = app(with_sandbox(setting)).sandbox;
    return sandbox.size() == 1 ? sandbox.front().properties : Properties{};
}

TEST(Sandbox, EveryPropertyHasASampleOfItsForm)
{
    for (const SandboxKey& key : sandbox_keys()) {
        const auto* sample = std::ranges::find(pm::test::kSandboxSamples, key.name, &pm::test::SandboxSample::name);
        if (key.read == nullptr) {
            EXPECT_FALSE(key.detail.empty()) << key.name;
            EXPECT_EQ(said(parse(with_sandbox(fmt::format("{}: x", key.name)))),
                      Strings{fmt::format("3:3: sandbox.{}: cannot be set here: {}", key.name, key.detail)});
            continue;
        }
        ASSERT_NE(sample, std::end(pm::test::kSandboxSamples)) << key.name;
        Strings types;
        for (const UnitProperty& one : properties(fmt::format("{}: {}", sample->name, sample->value)))
            types.push_back(fmt::format("{} {}", one.name, model::signature(one.value)));
        EXPECT_EQ(fmt::format("{}", fmt::join(types, ", ")), sample->signatures);
    }
}

TEST(Sandbox, ValuesBecomeWhatSystemdTakes)
{
    using Texts = std::vector<std::string>;
    using Bytes = std::vector<std::uint8_t>;
    const auto t = [](std::uint64_t value) { return value; };
    const std::vector<std::pair<std::string, Properties>> rows{
        {"PrivateTmp: true", {{"PrivateTmp", true}}},
        {"PrivateTmp: disconnected", {{"PrivateTmpEx", std::string("disconnected")}}},
        {"ProtectSystem: true", {{"ProtectSystem", std::string("yes")}}},
        {"ProtectHome: read-only", {{"ProtectHome", std::string("read-only")}}},
        {"MemoryMax: 1.5G", {{"MemoryMax", t(1610612736)}}},
        {"MemoryMax: infinity", {{"MemoryMax", t(UINT64_MAX)}}},
        {"MemoryMax: 50%", {{"MemoryMaxScale", std::uint32_t{2147483647}}}},
        {"TasksMax: 20", {{"TasksMax", t(20)}}},
        {"CPUQuota: 12.5%", {{"CPUQuotaPerSecUSec", t(125'000)}}},
        {"CPUWeight: idle", {{"CPUWeight", t(0)}}},
        {"RuntimeMaxSec: 90", {{"RuntimeMaxUSec", t(90'000'000)}}},
        {"RuntimeMaxSec: 1min 30.5s", {{"RuntimeMaxUSec", t(90'500'000)}}},
        {"RuntimeMaxSec: infinity", {{"RuntimeMaxUSec", t(UINT64_MAX)}}},
        {"TimerSlackNSec: 7", {{"TimerSlackNSec", t(7)}}},
        {"CPUAffinity: [0-2, '9']", {{"CPUAffinity", Bytes{7, 2}}}},
        {"CPUAffinity: numa", {{"CPUAffinityFromNUMA", true}}},
        {"CapabilityBoundingSet: CAP_CHOWN CAP_KILL", {{"CapabilityBoundingSet", t(0x21)}}},
        {"CapabilityBoundingSet: '~CAP_CHOWN CAP_KILL'", {{"CapabilityBoundingSet", ~t(0x21)}}},
        {"CapabilityBoundingSet: [CAP_CHOWN CAP_KILL, '~CAP_KILL']", {{"CapabilityBoundingSet", t(1)}}},
        {"CapabilityBoundingSet: ''", {{"CapabilityBoundingSet", t(0)}}},
        {"RestrictNamespaces: yes", {{"RestrictNamespaces", t(0)}}},
        {"RestrictNamespaces: no", {{"RestrictNamespaces", t(0x7e020000)}}},
        {"RestrictNamespaces: net user", {{"RestrictNamespaces", t(0x50000000)}}},
        {"RestrictNamespaces: ~net user", {{"RestrictNamespaces", t(0x2e020000)}}},
        {"SystemCallFilter: ['@basic-io', '~read:EPERM write']",
         {{"SystemCallFilter", model::NameFilter{true, {"@basic-io"}}}, {"SystemCallFilter", model::NameFilter{false, {"read:EPERM", "write"}}}}},
        {"SystemCallErrorNumber: EACCES", {{"SystemCallErrorNumber", std::int32_t{13}}}},
        {"SystemCallErrorNumber: kill", {{"SystemCallErrorNumber", std::int32_t{0x7ffffffe}}}},
        {"RestrictAddressFamilies: none", {{"RestrictAddressFamilies", model::NameFilter{true, {}}}}},
        {"ReadWritePaths: [/a /b, -/c]", {{"ReadWritePaths", Texts{"/a", "/b", "-/c"}}}},
        {"BindPaths: -/a:/b:norbind /c", {{"BindPaths", std::vector<model::BindMount>{{"/a", "/b", true, 0}, {"/c", "/c", false, 16384}}}}},
        {"TemporaryFileSystem: /var:ro,size=1M", {{"TemporaryFileSystem", std::vector<model::TextPair>{{"/var", "ro,size=1M"}}}}},
        {"DeviceAllow: /dev/null", {{"DeviceAllow", std::vector<model::TextPair>{{"/dev/null", "rwm"}}}}},
        {"IOReadBandwidthMax: /dev/sda 5M", {{"IOReadBandwidthMax", std::vector<model::TextNumber>{{"/dev/sda", 5'000'000}}}}},
        {"IODeviceLatencyTargetSec: /dev/sda 25ms", {{"IODeviceLatencyTargetUSec", std::vector<model::TextNumber>{{"/dev/sda", 25'000}}}}},
        {"IPAddressAllow: 10.1.0.0/16 ::1",
         {{"IPAddressAllow", std::vector<model::AddressPrefix>{{AF_INET, {10, 1, 0, 0}, 16},
                                                               {AF_INET6, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 128}}}}},
        {"SocketBindAllow: ipv6:tcp:80-89 any udp", {{"SocketBindAllow", std::vector<model::PortRule>{{AF_INET6, 6, 10, 80}, {0, 0, 0, 0}, {0, 17, 0, 0}}}}},
        {"LimitNOFILE: '5:9'", {{"LimitNOFILE", t(9)}, {"LimitNOFILESoft", t(5)}}},
        {"StateDirectory: a b/c:d", {{"StateDirectory", Texts{"a"}}, {"StateDirectorySymlink", std::vector<model::Symlink>{{"b/c", "d", 0}}}}},
        {"SetCredential: 'k: v'", {{"SetCredential", std::vector<model::NamedBytes>{{"k", {' ', 'v'}}}}}},
        {"AppArmorProfile: -x", {{"AppArmorProfile", model::LenientText{true, "x"}}}},
        {"Delegate: yes", {{"Delegate", true}}},
    };
    for (const auto& [setting, wanted] : rows) EXPECT_EQ(properties(setting), wanted) << setting;
    EXPECT_TRUE(app(with_sandbox("PrivateTmp:")).sandbox.empty()) << "as if it were not there";
}

TEST(Sandbox, FaultsHaveAPlaceAndSayWhatIsExpected)
{
    const std::vector<std::pair<std::string, std::string>> rows{
        {"ProtectSystm: x", "3:3: sandbox.ProtectSystm: unknown property, did you mean 'ProtectSystem'?"},
        {"NothingLikeIt: x", "3:3: sandbox.NothingLikeIt: unknown property, see systemd.exec(5) and systemd.resource-control(5)"},
        {"ProtectSystem: strickt", "3:18: sandbox.ProtectSystem: expected no, yes, full, strict, not 'strickt'"},
        {"PrivateTmp: maybe", "3:15: sandbox.PrivateTmp: expected yes, no, disconnected, not 'maybe'"},
        {"PrivateTmp: [true, true]", "3:22: sandbox.PrivateTmp[1]: expected one value, not 'true'"},
        {"PrivateTmp: {a: b}", "3:15: sandbox.PrivateTmp: expected a text or a list of texts, not a map"},
        {"ReadWritePaths: [/a, b]", "3:24: sandbox.ReadWritePaths[1]: expected absolute paths, perhaps behind '-' or '+', not 'b'"},
        {"ReadWritePaths: /a/../b", "3:19: sandbox.ReadWritePaths: expected absolute paths, perhaps behind '-' or '+', not '/a/../b'"},
        {"MemoryMax: lots", "3:14: sandbox.MemoryMax: expected a size such as 512M, a percentage or infinity, not 'lots'"},
        {"MemoryMax: 101%", "3:14: sandbox.MemoryMax: expected a size such as 512M, a percentage or infinity, not '101%'"},
        {"CPUQuota: 0%", "3:13: sandbox.CPUQuota: expected a share of one CPU such as 150%, not '0%'"},
        {"CapabilityBoundingSet: CAP_MAGIC",
         "3:26: sandbox.CapabilityBoundingSet: expected capabilities such as CAP_NET_BIND_SERVICE, or '~' before them, not 'CAP_MAGIC'"},
        {"RuntimeMaxSec: 3 parsecs", "3:18: sandbox.RuntimeMaxSec: expected a time such as 30s or 1min 30s, not '3 parsecs'"},
        {"CPUAffinity: 3-1", "3:16: sandbox.CPUAffinity: expected CPUs such as 0-3 6, or numa, not '3-1'"},
        {"CPUAffinity: 8192", "3:16: sandbox.CPUAffinity: expected CPUs such as 0-3 6, or numa, not '8192'"},
        {"IPAddressDeny: 10.0.0.0/33",
         "3:18: sandbox.IPAddressDeny: expected addresses such as 10.0.0.0/8, or any, localhost, link-local, multicast, not '10.0.0.0/33'"},
        {"SocketBindDeny: tcp:0", "3:19: sandbox.SocketBindDeny: expected ports such as tcp:8000-8010, ipv6:udp:53 or any, not 'tcp:0'"},
        {"LimitNOFILE: '9:5'", "3:16: sandbox.LimitNOFILE: expected a number, soft:hard or infinity, not '9:5'"},
        {"StateDirectory: /var/x", "3:19: sandbox.StateDirectory: expected names of directories, without a leading '/', not '/var/x'"},
        {"BindPaths: ''", "3:14: sandbox.BindPaths: expected absolute paths, source:destination or source:destination:norbind, not ''"},
        {"User: me", "3:3: sandbox.User: cannot be set here: use 'uid'"},
    };
    for (const auto& [setting, why] : rows) EXPECT_EQ(said(parse(with_sandbox(setting))), Strings{why}) << setting;
    EXPECT_EQ(said(parse("script: a\nsandbox: [x]\n")), Strings{"2:10: sandbox: expected a map such as {ProtectSystem: strict}, not a list"});
}

TEST(Sandbox, WhatLimitsSayIsNotSaidAgain)
{
    EXPECT_EQ(said(parse("script: a\nlimits: {memory_max: 1G}\nsandbox: {MemoryMax: 2G, LimitNOFILE: 9}\nrlimits: {nofile: 3}\n")),
              (Strings{"3:11: sandbox.MemoryMax: means the same as 'limits.memory_max', which is given too",
                       "3:26: sandbox.LimitNOFILE: means the same as 'rlimits.nofile', which is given too"}));
    EXPECT_TRUE(parse("script: a\nlimits: {scope: app, memory_max: 1G}\nsandbox: {MemoryMax: 2G}\n").ok()) << "two limits, not one";
}

TEST(Sandbox, IsRefusedWhereNoSystemdStartsTheApp)
{
    ParseOptions direct = options();
    direct.launcher = "direct";
    const std::string text = "script: a\nsandbox: {PrivateTmp: true}\n";
    EXPECT_EQ(said(parse_app_file(text, direct)),
              Strings{"2:1: sandbox: needs the systemd launcher: this pmd starts processes by itself (direct)"});
    EXPECT_TRUE(parse_app_file("script: a\nsandbox: {}\n", direct).ok());
    EXPECT_EQ(said(parse_app_file("{script: a, launcher: systemd}", direct)),
              Strings{"1:23: launcher: this pmd starts processes itself ('launcher' in pmd.yaml), and one app cannot have another way"});
    EXPECT_TRUE(parse_app_file("{script: a, launcher: direct}", direct).ok());
    direct.launcher = "systemd";
    EXPECT_FALSE(parse_app_file("{script: a, launcher: direct}", direct).ok());
    EXPECT_TRUE(parse_app_file(text, direct).ok());
}

} // namespace
} // namespace pm::config::test
