// SPDX-License-Identifier: Apache-2.0
#include "cli/client.hpp"

#include "cli/bus_error.hpp"
#include "cli/daemon_search.hpp"
#include "cli/interrupt.hpp"
#include "cli/questions.hpp"
#include "org.pmd1.Manager-proxy.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <fmt/format.h>
#include <numeric>
#include <poll.h>
#include <sdbus-c++/sdbus-c++.h>
#include <sys/syscall.h>
#include <systemd/sd-bus.h>
#include <unistd.h>
#include <variant>

namespace pm::cli {
namespace {

constexpr const char* kPath = "/org/pmd1";
constexpr const char* kManager = org::pmd1::Manager_proxy::INTERFACE_NAME;
constexpr const char* kApp = "org.pmd1.App";
constexpr const char* kProperties = "org.freedesktop.DBus.Properties";
constexpr std::uint64_t kNoTimeout = UINT64_MAX; // sd_bus_call_async(3): wait for ever
constexpr std::size_t kMostAtOnce = 64;      ///< calls; pmd allows max_calls_per_caller, 256 by default
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

Failure failure_of(const sdbus::Error& error, const std::string& bus)
{
    return cli::failure_of(error.getName(), error.getMessage(), bus);
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

} // namespace

struct Client::Impl {
    std::unique_ptr<sdbus::IConnection> connection;
    std::string bus;
    std::string name; ///< of pmd on the bus
    std::unique_ptr<sdbus::IProxy> proxy;
    Questions questions;
    Manager manager;

    explicit Impl(FoundDaemon found)
        : connection(std::move(found.connection)), bus(std::move(found.bus)), name(std::move(found.name)),
          proxy(sdbus::createProxy(*connection, name, kPath)), questions(*proxy, found.is_system), manager(*proxy)
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
        const auto object = sdbus::createProxy(*connection, name, path);
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
            const auto object = sdbus::createProxy(*connection, name, path);
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
        auto events = sdbus::createProxy(*connection, name, kPath);
        events->uponSignal("ProcessEvent")
            .onInterface(kManager)
            .call([&watcher](const std::string& event, const std::string& app, const std::uint32_t& id,
                             const Properties&) { watcher.on_event(event, app, id); });
        events->finishRegistration();
        return events;
    }

    /// Whether a call that failed so is worth another try, with somebody who can be asked for a password.
    [[nodiscard]] bool may_ask_for(const Failure& failure) const noexcept
    {
        // Busy: of calls that polkit is asked about at once, pmd takes only so many.
        const bool may_help = failure.code == base::ErrorCode::NotAuthorized || failure.code == base::ErrorCode::Busy;
        return questions.allowed() && may_help;
    }

    void prepare_to_ask(Watcher* watcher)
    {
        if (watcher != nullptr) watcher->on_question();
        questions.expect();
    }

    /// Makes a call without time-out and waits for its reply. It is made again with leave to ask for a password if it
    /// takes one: what needs none has its progress shown, and starts nobody who would ask.
    template <typename Reply, typename... Args>
    Outcome<Reply> wait_for(const char* method, Watcher* watcher, const Args&... args)
    {
        Outcome<Reply> reply;
        {
            const Questions::None no_questions(questions);
            reply = call_and_wait<Reply>(method, watcher, args...);
        }
        if (reply || !may_ask_for(reply.error())) return reply;
        prepare_to_ask(watcher);
        return call_and_wait<Reply>(method, watcher, args...);
    }

    template <typename Reply, typename... Args>
    Outcome<Reply> call_and_wait(const char* method, Watcher* watcher, const Args&... args)
    {
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

    using Ends = std::vector<Outcome<void>>;

    /// Calls `method` for each target and waits for all replies; how each ended, in the same order. Those that take a
    /// password are called again, one after the other: only one person can be asked at a terminal, and one thing at a
    /// time.
    Outcome<Ends> wait_for_all(const std::string& method, const std::vector<std::string>& targets, Watcher* watcher)
    {
        Ends ends(targets.size());
        std::vector<std::size_t> which(targets.size());
        std::iota(which.begin(), which.end(), 0U);
        {
            const Questions::None no_questions(questions);
            if (auto called = call_each(method, targets, which, kMostAtOnce, watcher, ends); !called)
                return failed(called.error());
        }
        std::erase_if(which, [&](std::size_t at) { return ends[at] || !may_ask_for(ends[at].error()); });
        if (which.empty()) return ends;
        prepare_to_ask(watcher);
        if (auto called = call_each(method, targets, which, 1, watcher, ends); !called) return failed(called.error());
        return ends;
    }

    /// Calls `method` for `which` of the targets, `at_once` of them at the same time, and puts how each ended into
    /// `ends`.
    Outcome<void> call_each(const std::string& method, const std::vector<std::string>& targets,
                            const std::vector<std::size_t>& which, std::size_t at_once, Watcher* watcher, Ends& ends)
    {
        std::vector<sdbus::PendingAsyncCall> calls;
        std::size_t answered = 0;
        bool heard = false;
        const auto send = [&](std::size_t at) {
            auto call = std::move(proxy->callMethodAsync(method).onInterface(kManager).withTimeout(kNoTimeout).withArguments(targets[at], Properties{}));
            calls.push_back(
                call.uponReplyInvoke([&, at](const sdbus::Error* error, const std::vector<sdbus::ObjectPath>&) {
                    ends[at] = error != nullptr ? failed(failure_of(*error, bus)) : Outcome<void>{};
                    ++answered;
                    heard = true;
                }));
        };
        try {
            const auto events = watcher != nullptr ? listen(*watcher) : nullptr;
            while (answered < which.size()) {
                while (calls.size() < std::min(which.size(), answered + at_once))
                    send(which[calls.size()]);
                heard = false;
                if (auto waited = wait(heard, watcher); !waited) {
                    for (sdbus::PendingAsyncCall& call : calls) call.cancel();
                    return failed(waited.error());
                }
            }
        } catch (const sdbus::Error& error) {
            for (sdbus::PendingAsyncCall& call : calls) call.cancel();
            return failed(failure_of(error, bus));
        }
        return {};
    }
};

Client::Client(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;
Client::~Client() = default;

Outcome<Client> Client::connect(const Context& context, Missing missing)
{
    auto found = search_daemon(context, missing);
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
        const std::string path = app_path(name);
        const Properties all = impl_->properties(path, kApp);
        AppInfo info{property<std::string>(all, "Name"),   property<std::string>(all, "Namespace"),
                     property<std::uint32_t>(all, "Owner"), property<std::string>(all, "Status"),
                     property<std::string>(all, "Reason"), property<std::string>(all, "Spec"),
                     property<std::uint64_t>(all, "CreatedAtUSec"), {}, {},
                     property<std::vector<std::string>>(all, "Warnings"), property<std::string>(all, "LogTarget")};
        if (auto whole = impl_->whole_spec(path)) info.spec = std::move(*whole);
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
                          property<std::uint32_t>(all, "AppCount"), property<std::uint32_t>(all, "InstanceCount"),
                          property<std::string>(all, "Launcher")};
    });
}

Outcome<std::string> Client::log_target(const std::string& app)
{
    return impl_->ask([&] {
        const auto object = sdbus::createProxy(*impl_->connection, impl_->name, app_path(app));
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
