// SPDX-License-Identifier: Apache-2.0
#include "cli/client.hpp"

#include "cli/daemon_calls.hpp"
#include "cli/interrupt.hpp"
#include "cli/silent_daemon.hpp"
#include "cli/utf8_check.hpp"

#include "sdbus_versions.hpp"

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <fmt/format.h>
#include <poll.h>
#include <sys/syscall.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

namespace pm::cli {
namespace {

constexpr std::chrono::seconds kForUpgrade{30};
constexpr int kBetweenLooks = 10; ///< ms
constexpr int kMostAttempts = 200; ///< of asking for an environment, 5 ms apart

Properties options_of(const LoadOptions& from)
{
    Properties options;
    if (!from.profile.empty()) options["profile"] = sdbus::Variant(from.profile);
    if (!from.only.empty()) options["only"] = sdbus::Variant(from.only);
    if (!from.name_space.empty()) options["namespace"] = sdbus::Variant(from.name_space);
    if (!from.directory.empty()) options["directory"] = sdbus::Variant(from.directory);
    if (!from.start) options["start"] = sdbus::Variant(false);
    if (from.prune) options["prune"] = sdbus::Variant(true);
    if (from.caller_environment) options["caller-environment"] = sdbus::Variant(true);
    if (from.force) options["force"] = sdbus::Variant(true);
    if (from.reload) options["reload"] = sdbus::Variant(true);
    if (!from.dialect.empty()) options["dialect"] = sdbus::Variant(from.dialect);
    if (!from.files.empty()) options["files"] = sdbus::Variant(from.files);
    if (from.evaluated) options["evaluated"] = sdbus::Variant(true);
    if (from.update_env) options["update-env"] = sdbus::Variant(true);
    return options;
}

std::string app_path(const std::string& name)
{
    char* encoded = nullptr;
    if (sd_bus_path_encode("/org/pmd1/app", name.c_str(), &encoded) < 0) throw std::bad_alloc();
    const std::unique_ptr<char, decltype(&std::free)> owned(encoded, &std::free);
    return encoded;
}

template <typename Value>
Value property(const Properties& all, const std::string& name)
{
    const auto found = all.find(name);
    if (found == all.end() || !found->second.containsValueOfType<Value>()) return Value{};
    return found->second.get<Value>();
}

decltype(Metric::value) metric_value(const sdbus::Variant& value)
{
    const std::string type = value.peekValueType();
    if (type == "b") return value.get<bool>();
    if (type == "x") return value.get<std::int64_t>();
    if (type == "d") return value.get<double>();
    return type == "s" ? value.get<std::string>() : std::string("?");
}

/// The unique name of the pmd that runs; empty: none, or the bus does not say.
std::string owner_of_daemon(sdbus::IConnection& connection)
{
    try {
        std::string owner;
        const auto bus = dbus::make_proxy(connection, "org.freedesktop.DBus", "/org/freedesktop/DBus");
        bus->callMethod("GetNameOwner").onInterface("org.freedesktop.DBus").withArguments(kBusName).storeResultsTo(owner);
        return owner;
    } catch (const sdbus::Error&) {
        return {};
    }
}

} // namespace

struct Client::Impl : DaemonCalls {
    using DaemonCalls::DaemonCalls;
};

Client::Client(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;
Client::~Client() = default;

Outcome<Client> Client::connect(const Context& context, Missing missing)
{
    auto found = search_daemon(context, missing);
    if (!found) return failed(found.error());
    if (const pid_t pid = pid_of_daemon(*found->connection, found->name); pid > 0 && is_stopped(pid)) return failed(silent_daemon(found->bus, pid));
    return Client(std::make_unique<Impl>(std::move(*found)));
}

const std::string& Client::bus() const noexcept { return impl_->bus; }

Outcome<void> Client::watch_apps(std::function<void()> added)
{
    return impl_->ask([&] {
        impl_->app_events = dbus::make_proxy(*impl_->connection, impl_->name, kPath);
        impl_->app_events->uponSignal("AppAdded").onInterface(kManager).call([added = std::move(added)](const sdbus::ObjectPath&) { added(); });
        dbus::finish(*impl_->app_events);
    });
}

Client::Waiting Client::waiting() const
{
    const auto poll_data = impl_->connection->getEventLoopPollData();
    return {poll_data.fd, poll_data.events, poll_data.getPollTimeout()};
}

void Client::handle_events()
{
    while (dbus::process_one(*impl_->connection)) {
    }
}

Outcome<std::vector<Row>> Client::list(const std::string& target, bool usage)
{
    return impl_->ask([&] {
        Properties filter{{"usage", sdbus::Variant(usage)}};
        if (!target.empty()) filter["target"] = sdbus::Variant(target);
        std::vector<Row> rows;
        for (const auto& raw : impl_->manager.ListApps(filter))
            rows.push_back({raw.get<0>(), raw.get<1>(), raw.get<2>(), raw.get<3>(), raw.get<4>(), raw.get<5>(),
                            raw.get<6>(), raw.get<7>(), raw.get<8>(), raw.get<9>(), raw.get<10>(), raw.get<11>(),
                            raw.get<12>()});
        return rows;
    });
}

Outcome<std::map<std::string, std::string>> Client::environment(std::uint32_t id)
{
    impl_->questions.expect();
    // Busy: the process is just executing its program and has none yet; that takes a millisecond, seldom longer.
    for (int attempt = 0;; ++attempt) {
        auto answer = impl_->ask([&] { return impl_->manager.GetEnvironment(id); });
        if (answer || answer.error().code != base::ErrorCode::Busy || attempt == kMostAttempts) return answer;
        ::poll(nullptr, 0, 5);
    }
}

Outcome<AppInfo> Client::app(const std::string& name)
{
    using Instance = sdbus::Struct<std::uint32_t, std::uint32_t, std::uint32_t, std::string, std::string, std::uint64_t,
                                   std::uint64_t, std::uint32_t, std::string, std::int32_t, std::uint64_t>;
    using Files = sdbus::Struct<std::uint32_t, std::string, std::string>;
    return impl_->ask([&] {
        const std::string path = app_path(name);
        const Properties all = impl_->properties(path, kApp);
        AppInfo info{property<std::string>(all, "Name"),   property<std::string>(all, "Namespace"),
                     property<std::uint32_t>(all, "Owner"), property<std::string>(all, "Status"),
                     property<std::string>(all, "Reason"), property<std::string>(all, "Spec"),
                     property<std::uint64_t>(all, "CreatedAtUSec"), {}, {},
                     property<std::vector<std::string>>(all, "Warnings"), property<std::string>(all, "LogTarget"), property<std::string>(all, "Cluster"),
                     property<std::vector<std::string>>(all, "Listening"), property<std::string>(all, "ReloadHint"),
                     property<bool>(all, "Watches"), property<std::uint64_t>(all, "WatchedDirectories")};
        if (auto whole = impl_->whole_spec(path)) info.spec = std::move(*whole);
        for (const Instance& raw : property<std::vector<Instance>>(all, "Instances"))
            info.last_exits.push_back({raw.get<0>(), raw.get<8>(), raw.get<9>()});
        for (const Files& raw : property<std::vector<Files>>(all, "LogFiles"))
            info.log_files.push_back({raw.get<0>(), raw.get<1>(), raw.get<2>()});
        return info;
    });
}

CustomInfo Client::custom(std::uint32_t id)
{
    const Questions::None no_questions(impl_->questions);
    const auto found = impl_->ask([&] {
        CustomInfo info;
        for (const auto& raw : impl_->manager.GetMetrics(id))
            info.metrics.push_back({raw.get<0>(), metric_value(raw.get<1>()), raw.get<2>(), raw.get<3>()});
        for (const auto& raw : impl_->manager.GetActions(id))
            info.actions.push_back({raw.get<0>(), raw.get<1>(), raw.get<2>(), raw.get<3>()});
        return info;
    });
    return found.value_or(CustomInfo{});
}

Outcome<DaemonInfo> Client::daemon()
{
    return impl_->ask([&] {
        const Properties all = impl_->properties(kPath, kManager);
        return DaemonInfo{property<std::string>(all, "Version"), property<std::string>(all, "Scope"),
                          property<std::string>(all, "StateDirectory"), property<std::uint32_t>(all, "Pid"),
                          property<std::uint32_t>(all, "AppCount"), property<std::uint32_t>(all, "InstanceCount"),
                          property<std::string>(all, "Launcher")};
    });
}

Outcome<std::string> Client::log_target(const std::string& app)
{
    return impl_->ask([&] {
        const auto object = dbus::make_proxy(*impl_->connection, impl_->name, app_path(app));
        sdbus::Variant target;
        object->callMethod("Get").onInterface(kProperties).withArguments(kApp, "LogTarget").storeResultsTo(target);
        return target.get<std::string>();
    });
}

Outcome<base::Fd> Client::open_log(const std::string& target, const LogOptions& options)
{
    std::optional<Questions::None> no_questions;
    if (options.ask_people)
        impl_->questions.expect();
    else
        no_questions.emplace(impl_->questions);
    return impl_->ask([&] {
        Properties map{{"lines", sdbus::Variant(options.lines)},
                       {"follow", sdbus::Variant(options.follow)},
                       {"format", sdbus::Variant(options.format)}};
        if (options.mark_history_end) map["mark-history-end"] = sdbus::Variant(true);
        if (options.wait) map["wait"] = sdbus::Variant(true);
        if (!options.stream.empty()) map["stream"] = sdbus::Variant(options.stream);
        sdbus::UnixFd fd = impl_->manager.OpenLog(target, map);
        return base::Fd(fd.release());
    });
}

Outcome<base::Fd> Client::open_messages(const std::string& target, bool wait)
{
    impl_->questions.expect();
    return impl_->ask([&] {
        Properties options;
        if (wait) options["wait"] = sdbus::Variant(true);
        sdbus::UnixFd fd = impl_->manager.OpenMessages(target, options);
        return base::Fd(fd.release());
    });
}

Outcome<std::vector<PlanRow>> Client::plan(const std::string& text, const std::string& origin,
                                           const LoadOptions& options)
{
    for (const std::string& path : {origin, options.directory})
        if (auto good = check_path("path", path); !good) return failed(good.error());
    return impl_->ask([&] {
        std::vector<PlanRow> rows;
        for (const auto& raw : impl_->manager.Plan(text, origin, options_of(options)))
            rows.push_back({raw.get<0>(), raw.get<1>(), raw.get<2>()});
        return rows;
    });
}

Outcome<std::uint32_t> Client::signal(const std::string& target, int signal)
{
    impl_->questions.expect();
    return impl_->ask([&] { return impl_->manager.Signal(target, signal); });
}

Outcome<std::uint32_t> Client::send_message(const std::string& target, const std::string& json)
{
    impl_->questions.expect();
    return impl_->ask([&] { return impl_->manager.SendMessage(target, json); });
}

Outcome<void> Client::reset(const std::string& target)
{
    impl_->questions.expect();
    return impl_->ask([&] { impl_->manager.Reset(target, {}); });
}

Outcome<void> Client::act_on_logs(const std::string& method, const std::string& target)
{
    impl_->questions.expect();
    return impl_->ask([&] {
        if (method == "RotateLogs") impl_->manager.RotateLogs(target);
        else if (method == "FlushLogs") impl_->manager.FlushLogs(target);
        else impl_->manager.ReopenLogs(target);
    });
}

Outcome<void> Client::watch(const std::string& target, bool on)
{
    impl_->questions.expect();
    return impl_->ask([&] { impl_->manager.Watch(target, on); });
}

Outcome<std::uint32_t> Client::save()
{
    impl_->questions.expect();
    return impl_->ask([&] { return impl_->manager.Save({}); });
}

Outcome<void> Client::resurrect(Watcher* watcher)
{
    const auto reply = impl_->wait_for<std::vector<sdbus::ObjectPath>>("Resurrect", watcher, Properties{});
    return reply ? Outcome<void>{} : failed(reply.error());
}

Outcome<void> Client::load(const std::string& text, const std::string& origin, const LoadOptions& options,
                           Watcher* watcher)
{
    for (const std::string& path : {origin, options.directory})
        if (auto good = check_path("path", path); !good) return good;
    const auto reply = impl_->wait_for<std::vector<sdbus::ObjectPath>>("Load", watcher, text, origin, options_of(options));
    return reply ? Outcome<void>{} : failed(reply.error());
}

Outcome<void> Client::operate(const std::string& method, const std::string& target, Watcher* watcher)
{
    auto ends = operate(method, std::vector{target}, watcher);
    return ends ? std::move(ends->front()) : failed(ends.error());
}

Outcome<std::vector<Outcome<void>>> Client::operate(const std::string& method, const std::vector<std::string>& targets,
                                                    Watcher* watcher)
{
    return impl_->wait_for_all(method, targets, watcher);
}

Outcome<std::uint32_t> Client::scale(const std::string& app, const std::string& count, Watcher* watcher)
{
    return impl_->wait_for<std::uint32_t>("Scale", watcher, app, count);
}

Outcome<std::vector<ActionReply>> Client::trigger(const std::string& target, const std::string& action,
                                                  const std::string& params, std::uint64_t timeout_usec)
{
    using Rows = std::vector<sdbus::Struct<std::uint32_t, std::string, std::string, std::string>>;
    const Properties options{{"timeout-usec", sdbus::Variant(timeout_usec)}};
    const auto rows = impl_->wait_for<Rows>("Trigger", nullptr, target, action, params, options);
    if (!rows) return failed(rows.error());
    std::vector<ActionReply> replies;
    for (const auto& raw : *rows) replies.push_back({raw.get<0>(), raw.get<1>(), raw.get<2>(), raw.get<3>()});
    return replies;
}

Outcome<void> Client::upgrade()
{
    using Clock = std::chrono::steady_clock;
    const std::string before = owner_of_daemon(*impl_->connection);
    const auto reply = impl_->wait_for<std::monostate>("Upgrade", nullptr, Properties{});
    if (!reply) return failed(reply.error());
    for (const auto until = Clock::now() + kForUpgrade; Clock::now() < until;) {
        const std::string now = owner_of_daemon(*impl_->connection);
        if (!now.empty() && now != before) return {};
        const Interrupt interrupt;
        pollfd pressed{interrupt.fd(), POLLIN, 0};
        if (poll(&pressed, 1, kBetweenLooks) > 0) return failed(kInterrupted, "");
    }
    return failed(kNoDaemon, fmt::format("the new pmd does not answer ({}); its log tells more", impl_->bus));
}

Outcome<void> Client::exit(Watcher* watcher)
{
    const auto info = daemon();
    if (!info) return failed(info.error());
    const base::Fd pidfd(static_cast<int>(syscall(SYS_pidfd_open, static_cast<pid_t>(info->pid), 0)));
    const auto reply = impl_->wait_for<std::monostate>("Exit", watcher, Properties{});
    // A bus that goes with pmd may take the reply along: what counts is that the process ends.
    if (!reply && reply.error().status != kNoDaemon) return failed(reply.error());
    if (!pidfd) return {};
    const Interrupt interrupt;
    std::array<pollfd, 2> fds{pollfd{pidfd.get(), POLLIN, 0}, pollfd{interrupt.fd(), POLLIN, 0}};
    while (poll(fds.data(), fds.size(), -1) < 0 && errno == EINTR) {
    }
    if (fds[0].revents == 0) return failed(kInterrupted, "");
    return {};
}

} // namespace pm::cli
