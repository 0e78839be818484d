// SPDX-License-Identifier: Apache-2.0
// Whatever spec there is, its app file parses back to it.
#include "base/text.hpp"
#include "config/values.hpp"
#include "parse_helpers.hpp"

#include <rapidcheck/gtest.h>

namespace pm::config::test {
namespace {

using model::AppSpec;
using std::chrono::milliseconds;

AppFile read_back(const AppSpec& spec)
{
    ParseOptions given = options();
    given.env_from_caller = spec.env_from_caller;
    return parse_app_file(to_yaml(spec, false), given);
}

/// Texts with everything YAML might trip over.
rc::Gen<std::string> text()
{
    const auto piece = rc::gen::element<std::string>("a", "B", "7", "0", "-", ":", ": ", " #", "#", "'", "\"", "\\", "\n", "\t", " ", "{",
                                                     "}", "[", ",", "&", "*", "!", "%", "@", "`", "~", "null", "yes", "=", "|", ">",
                                                     "\u00e9", "\u0085", "\u2028", "\ufeff", "\U0001F600", "\x01", "\x7f", "\r", "---", "...");
    return rc::gen::map(rc::gen::container<std::vector<std::string>>(piece), [](const std::vector<std::string>& parts) {
        return base::join(parts, "");
    });
}

rc::Gen<std::string> path()
{
    return rc::gen::map(text(), [](std::string text) {
        std::erase(text, '/');
        return "/p" + text + "x";
    });
}

rc::Gen<milliseconds> time() { return rc::gen::map(rc::gen::inRange(1, 10'000'000), [](int value) { return milliseconds(value); }); }

model::ResourceLimit limit(int resource)
{
    const auto soft = *rc::gen::inRange<rlim_t>(0, 1u << 30);
    return {resource, soft, *rc::gen::element(soft, soft + 7, rlim_t{RLIM_INFINITY})};
}

model::ResourceControl some_limits()
{
    const auto bytes = [] { return *rc::gen::element<std::uint64_t>(1, 4096, 1u << 30, model::ResourceControl::kInfinity); };
    const auto maybe = [] { return *rc::gen::arbitrary<bool>(); };
    model::ResourceControl limits;
    limits.scope = *rc::gen::element(model::LimitScope::Instance, model::LimitScope::App);
    if (maybe()) limits.memory_low = *rc::gen::element<std::uint64_t>(0, 4096);
    if (maybe()) limits.memory_high = bytes();
    if (maybe()) limits.memory_max = bytes();
    if (maybe()) limits.memory_swap_max = bytes();
    if (maybe()) limits.cpu = *rc::gen::inRange(1u, 6400u);
    if (maybe()) limits.cpu_weight = *rc::gen::inRange(1u, 10'001u);
    if (maybe()) limits.io_weight = *rc::gen::inRange(1u, 10'001u);
    if (maybe()) limits.tasks = *rc::gen::element<std::uint64_t>(1, 65536, model::ResourceControl::kInfinity);
    return limits;
}

std::vector<model::SandboxSetting> some_sandbox()
{
    const std::vector<std::string> all{"BindPaths: ['/a:/b:norbind', '-/c']", "CapabilityBoundingSet: ''", "PrivateTmp: 'yes'",
                                       "SetCredential: 'a:b: c, \"d\" # e'", "SystemCallFilter: ['@system-service', '~mount:EPERM']"};
    std::string text = "{script: a, sandbox: {";
    for (const std::string& one : all)
        if (*rc::gen::arbitrary<bool>()) text += one + ",";
    return app(text + "}}").sandbox;
}

std::vector<model::ListenAddress> some_addresses()
{
    using Kind = model::ListenAddress::Kind;
    const auto maybe = [] { return *rc::gen::weightedElement<bool>({{1, true}, {3, false}}); };
    std::vector<model::ListenAddress> all;
    const int count = *rc::gen::inRange(0, 6);
    for (int i = 0; i < count; ++i) {
        model::ListenAddress one;
        one.kind = *rc::gen::element(Kind::Any, Kind::Ip4, Kind::Ip6, Kind::Path, Kind::Abstract);
        one.type = *rc::gen::element(model::SocketType::Stream, model::SocketType::Datagram);
        const bool ip = model::is_ip(one.kind);
        if (!ip && maybe()) one.type = model::SocketType::SeqPacket;
        const bool stream = one.type == model::SocketType::Stream;
        if (one.kind == Kind::Ip4) one.host = *rc::gen::element<std::string>("127.0.0.1", "0.0.0.0");
        if (one.kind == Kind::Ip6) one.host = *rc::gen::element<std::string>("::", "::1", "fe80::1");
        if (!ip) one.host = (one.kind == Kind::Path ? "/p" : "n") + std::to_string(i) + *rc::gen::element<std::string>("", " b", "'", ":c", "\u00e9", "@");
        if (ip) one.port = static_cast<std::uint16_t>(1 + i * 1000 + *rc::gen::inRange(0, 1000));
        one.name = maybe() ? *rc::gen::element<std::string>("http", "true", "1e3", "{") : model::usual_name(one);
        if (one.type != model::SocketType::Datagram && maybe()) one.backlog = *rc::gen::inRange(1U, 100'000U);
        if (one.kind == Kind::Ip6) one.v6only = maybe();
        if (ip) one.reuseport = maybe(), one.free_bind = maybe();
        if (ip && stream) one.nodelay = maybe();
        if (one.kind == Kind::Path) {
            one.user = *rc::gen::element<std::string>("", "33", "www-data");
            one.group = *rc::gen::element<std::string>("", "0", "staff");
            one.mode = *rc::gen::inRange(0U, 01000U);
        }
        all.push_back(one);
    }
    return all;
}

model::ServingSpec some_serving(bool listens)
{
    using model::ClusterMode;
    using model::ReadyWhen;
    const auto maybe = [] { return *rc::gen::arbitrary<bool>(); };
    model::ServingSpec serving;
    if (maybe()) serving.cluster = listens ? ClusterMode::None : *rc::gen::element(ClusterMode::None, ClusterMode::Transparent, ClusterMode::ReusePortBpf);
    if (maybe()) serving.ready = *rc::gen::element(ReadyWhen::Notify, ReadyWhen::Ipc, listens || serving.cluster == ClusterMode::None ? ReadyWhen::Started : ReadyWhen::Listening);
    if (maybe()) serving.listen_timeout = *time();
    if (maybe()) serving.watchdog = *time();
    if (maybe()) serving.drain = *rc::gen::element(milliseconds(0), milliseconds(500));
    serving.channel = maybe();
    serving.shutdown_with_message = maybe();
    if (maybe()) serving.reload.mode = *rc::gen::element(model::ReloadMode::Rolling, model::ReloadMode::Restart, model::ReloadMode::Signal);
    serving.reload.parallel = *rc::gen::inRange(1U, 10'000U);
    serving.reload.max_unavailable = *rc::gen::inRange(0U, 10'000U);
    serving.reload.signal = *rc::gen::inRange(1, 65);
    return serving;
}

std::optional<model::HealthSpec> some_health()
{
    model::HealthSpec health;
    const int kind = *rc::gen::inRange(0, 4);
    if (kind == 0) return std::nullopt;
    if (kind == 1) health.command = {"c" + *text(), *text()};
    if (kind == 2) health.target = {model::HealthTarget::Kind::Http, *rc::gen::element<std::string>("::1", "localhost"), 80, "/a?b=c", ""};
    if (kind == 3) health.target = {model::HealthTarget::Kind::Tcp, "127.0.0.1", 0, "", "PORT"};
    if (*rc::gen::arbitrary<bool>()) health.interval = *rc::gen::element(milliseconds(100), milliseconds(60'000));
    if (*rc::gen::arbitrary<bool>()) health.timeout = *rc::gen::element(milliseconds(1), milliseconds(60'000));
    return health;
}

AppSpec some_spec()
{
    AppSpec spec;
    spec.name = "n" + *rc::gen::element<std::string>("", "-1", " b", "\u00e9", ": c", "#", "true");
    spec.name_space = *rc::gen::element<std::string>("default", "shop", "a: b", "1");
    spec.script = "s" + std::string(base::trim(*text()));
    spec.args = *rc::gen::container<std::vector<std::string>>(text());
    if (*rc::gen::arbitrary<bool>()) spec.interpreter = *rc::gen::element<std::string>("none", "node", "/opt/x y/bun");
    spec.interpreter_args = *rc::gen::container<std::vector<std::string>>(text());
    spec.cwd = *path();
    spec.instances = *instances_from(*rc::gen::element<std::string>("1", "7", "max", "-3"));
    spec.instances_given = spec.instances != model::InstanceCount{} || *rc::gen::arbitrary<bool>();
    spec.instance_var = *rc::gen::element<std::string>("NODE_APP_INSTANCE", "N", "");
    spec.env = *rc::gen::container<std::map<std::string, std::string>>(
        rc::gen::map(text(), [](std::string name) { std::erase(name, '='); return "V" + name; }), text());
    spec.env_files = *rc::gen::container<std::vector<std::string>>(path());
    spec.env_from_caller = *rc::gen::arbitrary<bool>();
    spec.listen = some_addresses();
    spec.serving = some_serving(!spec.listen.empty());
    spec.health = some_health();
    if (spec.health) spec.serving.ready = model::ReadyWhen::Probe;
    if (spec.health) spec.env["PORT"] = "8000"; // no address above has it
    spec.user = *rc::gen::element<std::string>("", "33", "www-data");
    spec.group = *rc::gen::element<std::string>("", "0", "staff");
    if (*rc::gen::arbitrary<bool>()) spec.umask = *rc::gen::inRange<std::uint32_t>(0, 01000);
    if (*rc::gen::arbitrary<bool>()) spec.nice = *rc::gen::inRange(-20, 20);
    if (*rc::gen::arbitrary<bool>()) spec.oom_score_adj = *rc::gen::inRange(-1000, 1001);
    for (int resource : {RLIMIT_CORE, RLIMIT_NOFILE, RLIMIT_AS}) // in the order of their numbers
        if (*rc::gen::arbitrary<bool>()) spec.rlimits.push_back(limit(resource));
    spec.limits = some_limits();
    spec.sandbox = some_sandbox();
    for (const char* need : {"db", "a: b", "true"})
        if (*rc::gen::arbitrary<bool>())
            spec.depends_on[need] = *rc::gen::element(model::DependencyCondition::Ready, model::DependencyCondition::Started,
                                                      model::DependencyCondition::Completed);
    spec.autostart = *rc::gen::arbitrary<bool>();
    spec.restart.autorestart = *rc::gen::arbitrary<bool>();
    spec.restart.max_restarts = *rc::gen::arbitrary<std::uint32_t>();
    spec.restart.min_uptime = *time();
    spec.restart.restart_delay = *time();
    spec.restart.exp_backoff_restart_delay = *time();
    const auto codes = *rc::gen::arbitrary<std::set<std::uint8_t>>();
    spec.restart.stop_exit_codes.assign(codes.begin(), codes.end());
    spec.kill_signal = *rc::gen::inRange(1, 65);
    spec.kill_timeout = *time();
    spec.kill_mode = *rc::gen::element(model::KillMode::Group, model::KillMode::Main);
    spec.logs.out_file = *rc::gen::element<std::string>("", "/dev/null", "/var/a b.log");
    spec.logs.error_file = *rc::gen::oneOf(rc::gen::just(std::string()), path());
    spec.logs.log_file = *rc::gen::element<std::string>("", "default", "/x.log");
    spec.logs.merge_logs = *rc::gen::arbitrary<bool>();
    spec.logs.disable_logs = *rc::gen::arbitrary<bool>();
    spec.logs.type = *rc::gen::element(model::LogType::Raw, model::LogType::Json);
    spec.logs.date_format = *rc::gen::element<std::string>("", "%F %T", "YYYY", "a]b[c", "]", "false", "T[x]");
    const bool journal = model::file_keys(spec.logs).empty() && !spec.logs.disable_logs;
    spec.logs.to = *rc::gen::element(model::LogTarget::Default, journal ? model::LogTarget::Journal : model::LogTarget::Files);
    spec.pid_file = *rc::gen::oneOf(rc::gen::just(std::string()), path());
    return spec;
}

TEST(ToYaml, EmptySpecIsThreeLines)
{
    AppSpec spec;
    spec.name = "web";
    spec.script = "server";
    spec.cwd = "/srv";
    EXPECT_EQ(to_yaml(spec, false), "apps:\n  - name: web\n    script: server\n    cwd: /srv\n");
    EXPECT_EQ(read_back(spec).apps.at(0), spec);
}

TEST(ToYaml, MasksWhatMayBeSecret)
{
    const AppSpec spec = app("{name: a, script: run --key secret, args: [secret, x], node_args: [secret], env: {KEY: secret}, health: {exec: [check, secret]}}");
    const std::string masked = to_yaml(spec, true);
    EXPECT_EQ(masked.find("secret"), std::string::npos) << masked;
    EXPECT_NE(masked.find("KEY: \"********\""), std::string::npos) << masked;
    EXPECT_NE(masked.find("script: \"run ********\""), std::string::npos) << masked;
    EXPECT_NE(masked.find("args:\n      - \"********\"\n      - \"********\"\n"), std::string::npos) << masked;
    EXPECT_NE(to_yaml(spec, false).find("secret"), std::string::npos);
    EXPECT_NE(to_yaml(app("{script: a, health: {http: 'http://[::1]/a?secret'}}"), true).find("http://[::1]:80/a?********"), std::string::npos);
    EXPECT_TRUE(parse_app_file(to_yaml(app("{script: a, port: 80, health: {tcp: '[::1]:$PORT'}}"), true), {}).ok()) << "what is masked is still read";
}

TEST(ToYaml, MasksCredentials)
{
    const AppSpec spec = app("{script: a, sandbox: {SetCredential: [\"key:secret\", \"other:secret\"]}}");
    EXPECT_EQ(to_yaml(spec, true).find("secret"), std::string::npos);
    EXPECT_NE(to_yaml(spec, true).find("SetCredential: [\"key:********\", \"other:********\"]"), std::string::npos);
    EXPECT_EQ(read_back(spec).apps.at(0), spec);
}

TEST(ToYaml, KeepsTheSandboxAsItWasWritten)
{
    const AppSpec spec = app("{script: a, sandbox: {PrivateTmp: true, CapabilityBoundingSet: '~CAP_SYS_ADMIN'}}");
    EXPECT_NE(to_yaml(spec, false).find("    sandbox:\n      CapabilityBoundingSet: \"~CAP_SYS_ADMIN\"\n      PrivateTmp: \"true\"\n"),
              std::string::npos)
        << to_yaml(spec, false);
    EXPECT_EQ(spec, app("{script: a, sandbox: {PrivateTmp: 'yes', CapabilityBoundingSet: '~ CAP_SYS_ADMIN'}}")) << "the same in other words";
}

RC_GTEST_PROP(ToYaml, EverySpecComesBack, ())
{
    const AppSpec spec = some_spec();
    const AppFile file = read_back(spec);
    RC_LOG() << to_yaml(spec, false) << (file.diagnostics.empty() ? "" : to_string(file.diagnostics[0], "f"));
    RC_ASSERT(file.ok());
    RC_ASSERT(file.apps.size() == 1u);
    RC_LOG() << to_yaml(file.apps[0], false);
    RC_ASSERT(file.apps[0] == spec);
}

} // namespace
} // namespace pm::config::test
