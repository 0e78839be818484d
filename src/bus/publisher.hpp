// SPDX-License-Identifier: Apache-2.0
// Tells the bus what has happened: after the fact, in order, and never while a process is being replaced.
//
// The engine's events are queued and sent by a deferred call of the loop; only those who read messages (OpenMessages)
// get them at once, and without a bus too. PropertiesChanged is sent at most every 50 ms (the last change is never
// dropped), so that a thousand starts do not cost a thousand looks at the same app.
#pragma once

#include "bus/app_object.hpp"
#include "bus/context.hpp"
#include "bus/manager_object.hpp"
#include "io/event_loop.hpp"

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <variant>
#include <vector>

namespace pm::bus {

class Publisher final : public engine::Events {
public:
    /// `logs` has those who read messages; it must outlive this. `warn` gets sentences for the daemon's own log.
    Publisher(io::EventLoop& loop, logs::LogStore& logs, std::function<void(const std::string&)> warn);

    /// Puts the objects of all apps on `connection`, which must outlive the attachment. Before this, and after
    /// detach(), events are dropped.
    void attach(sdbus::IConnection& connection, Context& context);
    /// Takes them off; signals that were not sent yet are dropped with them.
    void detach() noexcept;
    /// Sends everything now (before the daemon ends).
    void flush();

    void process_event(const engine::ProcessEvent& event) override;
    void app_added(const std::string& app) override;
    void app_removed(const std::string& app) override;
    void app_changed(const std::string& app) override;
    void message(const engine::ProcessMessage& message) override;

private:
    struct Added {
        std::string app;
    };
    struct Removed {
        std::string app;
        std::unique_ptr<AppObject> object; ///< kept until the signal is sent
    };
    using Item = std::variant<Added, Removed, engine::ProcessEvent, engine::ProcessMessage>;

    struct Attachment {
        sdbus::IConnection& connection;
        Context& context;
        ManagerObject manager;
        std::map<std::string, std::unique_ptr<AppObject>> apps;
    };

    void push(Item item);
    [[nodiscard]] bool removal_waits(const std::string& app) const;
    void send(const Added& item);
    void send(const Removed& item);
    void send(const engine::ProcessEvent& item);
    void send(const engine::ProcessMessage& item);
    void send_changes();
    /// Notes for bus/unread that a signal was sent that tells of `app`, null when it is gone, and of so many instances.
    void count(const AppObject* app, std::size_t instances = 0);
    [[nodiscard]] const AppObject* object_of(const std::string& app) const;

    io::EventLoop& loop_;
    logs::LogStore& logs_;
    std::function<void(const std::string&)> warn_;
    std::unique_ptr<Attachment> attachment_;
    std::vector<Item> queue_;
    std::set<std::string> changed_;
    model::TimePoint changes_sent_{};
    io::Source deferred_;
    io::Source changes_timer_;
};

} // namespace pm::bus
