// SPDX-License-Identifier: Apache-2.0
// Calls of one pmd on its bus: made and waited for, with Ctrl-C, events to show meanwhile, and leave to ask for a password.
#pragma once

#include "cli/bus_error.hpp"
#include "cli/client.hpp"
#include "cli/daemon_search.hpp"
#include "cli/questions.hpp"
#include "org.pmd1.Manager-proxy.hpp"
#include "sdbus_versions.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

namespace pm::cli {

inline constexpr const char* kPath = "/org/pmd1";
inline constexpr const char* kManager = org::pmd1::Manager_proxy::INTERFACE_NAME;
inline constexpr const char* kApp = "org.pmd1.App";
inline constexpr const char* kProperties = "org.freedesktop.DBus.Properties";
inline constexpr std::uint64_t kNoTimeout = UINT64_MAX; ///< sd_bus_call_async(3): wait for ever

using Properties = std::map<std::string, sdbus::Variant>;

/// The generated proxy; signals are heard only by those who wait, so it is never registered for any.
class Manager final : public org::pmd1::Manager_proxy {
public:
    explicit Manager(sdbus::IProxy& proxy) : Manager_proxy(proxy) {}

private:
    void onAppAdded(const sdbus::ObjectPath&) override {}
    void onAppRemoved(const sdbus::ObjectPath&) override {}
    void onMessage(const std::uint32_t&, const std::string&) override {}
    void onProcessEvent(const std::string&, const std::string&, const std::uint32_t&, const Properties&) override {}
};


struct DaemonCalls {
    std::unique_ptr<sdbus::IConnection> connection;
    std::string bus;
    std::string name; ///< of pmd on the bus
    std::unique_ptr<sdbus::IProxy> proxy;
    Questions questions;
    Manager manager;
    std::unique_ptr<sdbus::IProxy> app_events; ///< of Client::watch_apps()

    explicit DaemonCalls(FoundDaemon found)
        : connection(std::move(found.connection)), bus(std::move(found.bus)), name(std::move(found.name)),
          proxy(dbus::make_proxy(*connection, name, kPath)), questions(*proxy, found.is_system), manager(*proxy)
    {
        if (questions.allowed()) connection->setMethodCallTimeout(kTimeToAnswer);
    }

    /// What a D-Bus error means; of a pmd that does not answer, which one that is and why.
    [[nodiscard]] Failure failure_from(const sdbus::Error& error);

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
            return failed(failure_from(error));
        }
    }

    Properties properties(const std::string& path, const char* interface);

    /// The declaration of an app with all that is in it; nothing for those who may not see it, or an older pmd.
    std::optional<std::string> whole_spec(const std::string& path);

    /// Handles messages until `done`; fails on Ctrl-C and when the bus goes.
    Outcome<void> wait(const bool& done, Watcher* watcher);

    std::unique_ptr<sdbus::IProxy> listen(Watcher& watcher);

    /// Whether a call that failed so is worth another try, with somebody who can be asked for a password.
    [[nodiscard]] bool may_ask_for(const Failure& failure) const noexcept;

    void prepare_to_ask(Watcher* watcher);

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
            const auto answer = [&](dbus::ReplyError error) {
                if (error) failure = failure_from(*error);
                done = true;
            };
            auto call = std::move(proxy->callMethodAsync(method).onInterface(kManager).withTimeout(kNoTimeout).withArguments(args...));
            sdbus::PendingAsyncCall pending;
            if constexpr (std::is_same_v<Reply, std::monostate>) {
                pending = call.uponReplyInvoke(answer);
            } else {
                pending = call.uponReplyInvoke([&](dbus::ReplyError error, const Reply& value) {
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
            return failed(failure_from(error));
        }
        if (failure) return failed(std::move(*failure));
        return reply;
    }

    using Ends = std::vector<Outcome<void>>;

    /// Calls `method` for each target and waits for all replies; how each ended, in the same order. Those that take a
    /// password are called again, one after the other: only one person can be asked at a terminal, and one thing at a
    /// time.
    Outcome<Ends> wait_for_all(const std::string& method, const std::vector<std::string>& targets, Watcher* watcher);

    /// Calls `method` for `which` of the targets, `at_once` of them at the same time, and puts how each ended into
    /// `ends`.
    Outcome<void> call_each(const std::string& method, const std::vector<std::string>& targets,
                            const std::vector<std::size_t>& which, std::size_t at_once, Watcher* watcher, Ends& ends);
};

} // namespace pm::cli
