// SPDX-License-Identifier: Apache-2.0
#include "cli/client.hpp"

#include "cli/bus_choice.hpp"
#include "cli/daemon_start.hpp"
#include "cli/interrupt.hpp"
#include "cli/questions.hpp"
#include "org.pmd1.Manager-proxy.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <fmt/format.h>
#include <poll.h>
#include <sdbus-c++/sdbus-c++.h>
#include <sys/syscall.h>
#include <systemd/sd-bus.h>
#include <thread>
#include <unistd.h>
#include <variant>

namespace pm::cli {
namespace {

constexpr const char* kName = "org.pmd1";
constexpr const char* kPath = "/org/pmd1";
constexpr const char* kManager = org::pmd1::Manager_proxy::INTERFACE_NAME;
constexpr const char* kApp = "org.pmd1.App";
constexpr const char* kProperties = "org.freedesktop.DBus.Properties";
constexpr std::uint64_t kNoTimeout = UINT64_MAX; // sd_bus_call_async(3): wait for ever
constexpr auto kConnectPatience = std::chrono::seconds(10);
constexpr auto kConnectRetry = std::chrono::milliseconds(5);
constexpr int kMostAttempts = 200; ///< of asking for an environment, 5 ms apart

using Properties = std::map<std::string, sdbus::Variant>;

/// The generated proxy; signals are heard only by those who wait, so it is never registered for any.
class Manager final : public org::pmd1::Manager_proxy {
public:
    explicit Manager(sdbus::IProxy& proxy) : Manager_proxy(proxy) {}

private:
    void onAppAdded(const sdbus::ObjectPath&) override {}
    void onAppRemoved(const sdbus::ObjectPath&) override {}
    void onProcessEvent(const std::string&, const std::string&, const std::uint32_t&, const Properties&) override {}
};

bool means_no_daemon(const std::string& name)
{
    constexpr std::array kNames{"org.freedesktop.DBus.Error.ServiceUnknown", "org.freedesktop.DBus.Error.NameHasNoOwner",
                                "org.freedesktop.DBus.Error.NoReply", "org.freedesktop.DBus.Error.Disconnected",
                                "System.Error.ECONNRESET", "System.Error.ENOTCONN", "System.Error.EPIPE"};
    return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

Failure failure_of(const sdbus::Error& error, const std::string& bus)
{
    const std::string& name = error.getName();
    if (means_no_daemon(name)) return {kNoDaemon, fmt::format("pmd is gone ({})", bus), base::ErrorCode::NoDaemon};
    if (name == "org.freedesktop.DBus.Error.AccessDenied")
        return {kFailed,
                fmt::format("the {} lets nobody talk to pmd: is its policy, org.pmd1.conf, the one that came with pmd?", bus),
                base::ErrorCode::NotAuthorized};
    const base::ErrorCode code = base::code_from_dbus_name(name);
    const char* hint = code == base::ErrorCode::NotAuthorized ? "; root may (sudo)" : "";
    return {base::exit_status(code), error.getMessage() + hint, code};
}

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
    if (from.update_env) options["update-env"] = sdbus::Variant(true);
    return options;
}

std::unique_ptr<sdbus::IConnection> open_bus(const BusChoice& choice)
{
    switch (choice.kind) {
    case BusChoice::Kind::System: return sdbus::createSystemBusConnection();
    case BusChoice::Kind::Session: return sdbus::createSessionBusConnection();
    case BusChoice::Kind::Embedded:
    case BusChoice::Kind::Address: return sdbus::createSessionBusConnectionWithAddress(choice.address);
    }
    return nullptr;
}

/// Owned, or startable by the bus.
bool offered(sdbus::IConnection& connection)
{
    const auto bus = sdbus::createProxy(connection, "org.freedesktop.DBus", "/org/freedesktop/DBus");
    bool owned = false;
    bus->callMethod("NameHasOwner").onInterface("org.freedesktop.DBus").withArguments(kName).storeResultsTo(owned);
    if (owned) return true;
    std::vector<std::string> names;
    bus->callMethod("ListActivatableNames").onInterface("org.freedesktop.DBus").storeResultsTo(names);
    return std::find(names.begin(), names.end(), kName) != names.end();
}

/// A connection to the bus of `choice` if pmd is there; null if not.
std::unique_ptr<sdbus::IConnection> try_bus(const BusChoice& choice)
{
    try {
        auto connection = open_bus(choice);
        return connection && offered(*connection) ? std::move(connection) : nullptr;
    } catch (const sdbus::Error&) {
        return nullptr;
    }
}

std::unique_ptr<sdbus::IConnection> wait_for_bus(const BusChoice& choice)
{
    const auto deadline = std::chrono::steady_clock::now() + kConnectPatience;
    for (;;) {
        if (auto connection = try_bus(choice)) return connection;
        if (std::chrono::steady_clock::now() >= deadline) return nullptr;
        std::this_thread::sleep_for(kConnectRetry); // pmd of a faster pmctl is between its lock and its bus name
    }
}

struct Found {
    std::unique_ptr<sdbus::IConnection> connection;
    std::string bus;
    bool is_system = false;
};

Outcome<std::unique_ptr<sdbus::IConnection>> try_embedded(const BusChoice& choice)
{
    if (access(socket_of(choice).c_str(), F_OK) != 0) return nullptr;
    if (auto safe = check_private(choice.runtime_dir); !safe) return failed(safe.error());
    return try_bus(choice);
}

Outcome<Found> find(const Context& context, Client::Missing missing)
{
    const auto choices = bus_choices(context);
    if (!choices) return failed(choices.error());
    for (const BusChoice& choice : *choices) {
        std::unique_ptr<sdbus::IConnection> connection;
        if (choice.kind == BusChoice::Kind::Embedded) {
            auto tried = try_embedded(choice);
            if (!tried) return failed(tried.error());
            connection = std::move(*tried);
        } else {
            connection = try_bus(choice);
        }
        if (connection) return Found{std::move(connection), to_string(choice), choice.kind == BusChoice::Kind::System};
    }
    const BusChoice& last = choices->back();
    const std::string nowhere = fmt::format("no pmd is running ({})", to_string(last));
    if (last.kind != BusChoice::Kind::Embedded) return failed(kNoDaemon, nowhere);
    if (missing == Client::Missing::Fail) return failed(kNoDaemon, nowhere + "; 'pmctl start' starts one");
    if (auto started = start_daemon(context, last); !started) return failed(started.error());
    if (auto connection = wait_for_bus(last)) return Found{std::move(connection), to_string(last)};
    return failed(kNoDaemon, fmt::format("pmd runs, but does not answer ({})", to_string(last)));
}

template <typename Value>
Value property(const Properties& all, const std::string& name)
{
    const auto found = all.find(name);
    if (found == all.end() || !found->second.containsValueOfType<Value>()) return Value{};
    return found->second.get<Value>();
}

} // namespace

struct Client::Impl {
    std::unique_ptr<sdbus::IConnection> connection;
    std::string bus;
    std::unique_ptr<sdbus::IProxy> proxy;
    Questions questions;
    Manager manager;

    explicit Impl(Found found)
        : connection(std::move(found.connection)), bus(std::move(found.bus)),
          proxy(sdbus::createProxy(*connection, kName, kPath)), questions(*proxy, found.is_system), manager(*proxy)
    {
        if (questions.allowed()) connection->setMethodCallTimeout(kTimeToAnswer);
    }

    /// Runs a synchronous call; its D-Bus error becomes a Failure.
    template <typename Call>
    auto ask(Call&& call) -> Outcome<decltype(call())>
    {
        try {
            if constexpr (std::is_void_v<decltype(call())>) {
                call();
                return {};
            } else {
                return call();
            }
        } catch (const sdbus::Error& error) {
            return failed(failure_of(error, bus));
        }
    }

    Properties properties(const std::string& path, const char* interface)
    {
        const auto object = sdbus::createProxy(*connection, kName, path);
        Properties all;
        object->callMethod("GetAll").onInterface(kProperties).withArguments(interface).storeResultsTo(all);
        return all;
    }

    /// The declaration of an app with all that is in it; nothing for those who may not see it, or an older pmd.
    std::optional<std::string> whole_spec(const std::string& path)
    {
        const Questions::None no_questions(questions);
        try {
            std::string spec;
            const auto object = sdbus::createProxy(*connection, kName, path);
            object->callMethod("GetSpec").onInterface(kApp).storeResultsTo(spec);
            return spec;
        } catch (const sdbus::Error&) {
            return std::nullopt;
        }
    }

    /// Handles messages until `done`; fails on Ctrl-C and when the bus goes.
    Outcome<void> wait(const bool& done, Watcher* watcher)
    {
        const Interrupt interrupt;
        auto next_tick = std::chrono::steady_clock::now() + std::chrono::seconds(1);
        while (!done) {
            if (connection->processPendingRequest()) continue;
            const auto poll_data = connection->getEventLoopPollData();
            std::array<pollfd, 2> fds{pollfd{poll_data.fd, poll_data.events, 0}, pollfd{interrupt.fd(), POLLIN, 0}};
            poll(fds.data(), fds.size(), watcher != nullptr ? 100 : poll_data.getPollTimeout());
            if ((fds[1].revents & POLLIN) != 0) return failed(kInterrupted, "");
            if (watcher == nullptr || std::chrono::steady_clock::now() < next_tick) continue;
            next_tick += std::chrono::seconds(1);
            watcher->on_tick();
        }
        return {};
    }

    std::unique_ptr<sdbus::IProxy> listen(Watcher& watcher)
    {
        auto events = sdbus::createProxy(*connection, kName, kPath);
        events->uponSignal("ProcessEvent")
            .onInterface(kManager)
            .call([&watcher](const std::string& event, const std::string& app, const std::uint32_t& id,
                             const Properties&) { watcher.on_event(event, app, id); });
        events->finishRegistration();
        return events;
    }

    /// Makes a call without time-out and waits for its reply.
    template <typename Reply, typename... Args>
    Outcome<Reply> wait_for(const char* method, Watcher* watcher, const Args&... args)
    {
        questions.expect();
        bool done = false;
        Reply reply{};
        std::optional<Failure> failure;
        try {
            const auto events = watcher != nullptr ? listen(*watcher) : nullptr;
            const auto answer = [&](const sdbus::Error* error) {
                if (error != nullptr) failure = failure_of(*error, bus);
                done = true;
            };
            auto call = std::move(proxy->callMethodAsync(method).onInterface(kManager).withTimeout(kNoTimeout).withArguments(args...));
            sdbus::PendingAsyncCall pending;
            if constexpr (std::is_same_v<Reply, std::monostate>) {
                pending = call.uponReplyInvoke(answer);
            } else {
                pending = call.uponReplyInvoke([&](const sdbus::Error* error, const Reply& value) {
                    reply = value;
                    answer(error);
                });
            }
            const auto waited = wait(done, watcher);
            if (!waited) {
                pending.cancel();
                return failed(waited.error());
            }
        } catch (const sdbus::Error& error) {
            return failed(failure_of(error, bus));
        }
        if (failure) return failed(std::move(*failure));
        return reply;
    }
};

Client::Client(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;
Client::~Client() = default;

Outcome<Client> Client::connect(const Context& context, Missing missing)
{
    auto found = find(context, missing);
    if (!found) return failed(found.error());
    return Client(std::make_unique<Impl>(std::move(*found)));
}

const std::string& Client::bus() const noexcept { return impl_->bus; }

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
        char* encoded = nullptr;
        if (sd_bus_path_encode("/org/pmd1/app", name.c_str(), &encoded) < 0) throw std::bad_alloc();
        const std::unique_ptr<char, decltype(&std::free)> path(encoded, &std::free);
        const Properties all = impl_->properties(path.get(), kApp);
        AppInfo info{property<std::string>(all, "Name"),   property<std::string>(all, "Namespace"),
                     property<std::uint32_t>(all, "Owner"), property<std::string>(all, "Status"),
                     property<std::string>(all, "Reason"), property<std::string>(all, "Spec"),
                     property<std::uint64_t>(all, "CreatedAtUSec"), {}, {}};
        if (auto whole = impl_->whole_spec(path.get())) info.spec = std::move(*whole);
        for (const Instance& raw : property<std::vector<Instance>>(all, "Instances"))
            info.last_exits.push_back({raw.get<0>(), raw.get<8>(), raw.get<9>()});
        for (const Files& raw : property<std::vector<Files>>(all, "LogFiles"))
            info.log_files.push_back({raw.get<0>(), raw.get<1>(), raw.get<2>()});
        return info;
    });
}

Outcome<DaemonInfo> Client::daemon()
{
    return impl_->ask([&] {
        const Properties all = impl_->properties(kPath, kManager);
        return DaemonInfo{property<std::string>(all, "Version"), property<std::string>(all, "Scope"),
                          property<std::string>(all, "StateDirectory"), property<std::uint32_t>(all, "Pid"),
                          property<std::uint32_t>(all, "AppCount"), property<std::uint32_t>(all, "InstanceCount")};
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
        if (!options.stream.empty()) map["stream"] = sdbus::Variant(options.stream);
        sdbus::UnixFd fd = impl_->manager.OpenLog(target, map);
        return base::Fd(fd.release());
    });
}

Outcome<std::vector<PlanRow>> Client::plan(const std::string& text, const std::string& origin,
                                           const LoadOptions& options)
{
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

Outcome<void> Client::reset(const std::string& target)
{
    impl_->questions.expect();
    return impl_->ask([&] { impl_->manager.Reset(target, {}); });
}

Outcome<void> Client::load(const std::string& text, const std::string& origin, const LoadOptions& options,
                           Watcher* watcher)
{
    const auto reply = impl_->wait_for<std::vector<sdbus::ObjectPath>>("Load", watcher, text, origin, options_of(options));
    return reply ? Outcome<void>{} : failed(reply.error());
}

Outcome<void> Client::operate(const std::string& method, const std::string& target, Watcher* watcher)
{
    const auto reply = impl_->wait_for<std::vector<sdbus::ObjectPath>>(method.c_str(), watcher, target, Properties{});
    return reply ? Outcome<void>{} : failed(reply.error());
}

Outcome<std::uint32_t> Client::scale(const std::string& app, const std::string& count, Watcher* watcher)
{
    return impl_->wait_for<std::uint32_t>("Scale", watcher, app, count);
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
