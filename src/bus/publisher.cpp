// SPDX-License-Identifier: Apache-2.0
#include "bus/publisher.hpp"

#include "base/guard.hpp"
#include "base/text.hpp"
#include "bus/unread.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace pm::bus {
namespace {

constexpr std::chrono::milliseconds kBetweenChanges{50};
/// When much of what was sent is unread (bus/unread).
constexpr std::chrono::milliseconds kBetweenChangesUnread{1000};

/// What a signal comes to on the bus, roughly: its header and what it says of an app, and what it says of each instance.
constexpr std::size_t kBytesOfSignal = 512;
constexpr std::size_t kBytesOfInstance = 192;

io::Source take(base::Result<io::Source> made)
{
    if (!made) throw std::runtime_error(made.error().message);
    return std::move(*made);
}

std::map<std::string, sdbus::Variant> details_of(const engine::ProcessEvent& event)
{
    std::map<std::string, sdbus::Variant> details{
        {"slot", sdbus::Variant(event.slot.value)},
        {"generation", sdbus::Variant(event.generation.value)},
        {"pid", sdbus::Variant(static_cast<std::uint32_t>(event.pid))},
        {"restarts", sdbus::Variant(event.restarts)},
    };
    if (!event.reason.empty()) details.emplace("reason", base::printable(event.reason));
    if (event.exit) {
        details.emplace("exit-kind", std::string(model::to_string(event.exit->kind)));
        details.emplace("exit-code", static_cast<std::int32_t>(event.exit->code));
    }
    if (event.uptime) details.emplace("uptime-usec", static_cast<std::uint64_t>(event.uptime->count()));
    if (event.delay) details.emplace("delay-usec", static_cast<std::uint64_t>(event.delay->count()));
    return details;
}

} // namespace

Publisher::Publisher(io::EventLoop& loop, logs::LogStore& logs, std::function<void(const std::string&)> warn)
    : loop_(loop), logs_(logs), warn_(std::move(warn))
{
    deferred_ = take(loop.add_deferred(io::Priority::Deferred, [this] { flush(); }));
    changes_timer_ = take(loop.add_timer(model::TimePoint::max(), io::Priority::Deferred, [this] { send_changes(); }));
    changes_timer_.set_enabled(false);
}

void Publisher::attach(sdbus::IConnection& connection, Context& context)
{
    attachment_ = std::unique_ptr<Attachment>(
        new Attachment{connection, context, ManagerObject(connection, context), {}});
    for (const model::AppSnapshot& app : context.supervisor.snapshots())
        attachment_->apps.emplace(app.name, std::make_unique<AppObject>(connection, context, app.name));
}

void Publisher::detach() noexcept
{
    queue_.clear();
    changed_.clear();
    attachment_.reset();
}

void Publisher::push(Item item)
{
    queue_.push_back(std::move(item));
    deferred_.set_enabled(true);
}

void Publisher::process_event(const engine::ProcessEvent& event)
{
    if (attachment_) push(event);
}

void Publisher::app_added(const std::string& app)
{
    if (!attachment_) return;
    if (removal_waits(app)) flush(); // the path is taken until its removal is told
    // Who follows the output of an app that had this name might not be allowed to read this one's.
    if (attachment_->context.scope == config::BusKind::System) attachment_->context.logs.forget_app(app);
    // The object is there at once, so that whoever is told of it by the reply finds it; the signal comes later.
    base::guard(
        [&] {
            attachment_->apps.insert_or_assign(
                app, std::make_unique<AppObject>(attachment_->connection, attachment_->context, app));
            push(Added{app});
        },
        [&](const std::string& what) { warn_("putting app '" + app + "' on the bus: " + what); });
}

void Publisher::app_removed(const std::string& app)
{
    if (!attachment_) return;
    auto node = attachment_->apps.extract(app);
    changed_.erase(app);
    push(Removed{app, node.empty() ? nullptr : std::move(node.mapped())});
}

void Publisher::message(const engine::ProcessMessage& message)
{
    logs_.message(message); // before its app can be another user's
    // On the system bus everybody hears a signal.
    if (attachment_ && attachment_->context.scope != config::BusKind::System) push(message);
}

bool Publisher::removal_waits(const std::string& app) const
{
    return std::ranges::any_of(queue_, [&](const Item& item) {
        const auto* removed = std::get_if<Removed>(&item);
        return removed != nullptr && removed->app == app;
    });
}

void Publisher::app_changed(const std::string& app)
{
    if (!attachment_) return;
    changed_.insert(app);
    deferred_.set_enabled(true);
}

void Publisher::flush()
{
    std::vector<Item> items = std::exchange(queue_, {});
    for (const Item& item : items) {
        if (!attachment_) return;
        base::guard([&] { std::visit([this](const auto& one) { send(one); }, item); },
                    [this](const std::string& what) { warn_("sending a signal: " + what); });
    }
    if (changed_.empty()) return;
    const model::TimePoint now = std::chrono::steady_clock::now();
    const Unread* unread = attachment_ ? attachment_->context.unread : nullptr;
    const auto between = unread != nullptr && unread->is_much() ? kBetweenChangesUnread : kBetweenChanges;
    if (now - changes_sent_ >= between)
        send_changes();
    else
        changes_timer_.set_time(changes_sent_ + between);
}

void Publisher::send_changes()
{
    changes_timer_.set_enabled(false);
    changes_sent_ = std::chrono::steady_clock::now();
    for (const std::string& app : std::exchange(changed_, {})) {
        if (!attachment_) return;
        const auto object = attachment_->apps.find(app);
        if (object == attachment_->apps.end()) continue;
        base::guard([&] { count(object->second.get(), object->second->emit_changes()); },
                    [this](const std::string& what) { warn_("sending a signal: " + what); });
    }
}

const AppObject* Publisher::object_of(const std::string& app) const
{
    const auto object = attachment_->apps.find(app);
    return object == attachment_->apps.end() ? nullptr : object->second.get();
}

void Publisher::count(const AppObject* app, std::size_t instances)
{
    Unread* unread = attachment_->context.unread;
    if (unread != nullptr && app != nullptr) unread->signalled(app->owner(), kBytesOfSignal + app->bytes() + instances * kBytesOfInstance);
}

void Publisher::send(const Added& item)
{
    const auto object = attachment_->apps.find(item.app);
    if (object == attachment_->apps.end()) return; // removed again meanwhile
    object->second->emitInterfacesAddedSignal({dbus::InterfaceName(org::pmd1::App_adaptor::INTERFACE_NAME)});
    attachment_->manager.emitAppAdded(sdbus::ObjectPath(app_path(item.app)));
    count(object->second.get());
}

void Publisher::send(const Removed& item)
{
    if (item.object && !attachment_->apps.contains(item.app))
        item.object->emitInterfacesRemovedSignal({dbus::InterfaceName(org::pmd1::App_adaptor::INTERFACE_NAME)});
    attachment_->manager.emitAppRemoved(sdbus::ObjectPath(app_path(item.app)));
    count(item.object.get());
}

void Publisher::send(const engine::ProcessEvent& item)
{
    if (item.kind == engine::EventKind::Delete) attachment_->context.sampler.forget(item.id);
    attachment_->manager.emitProcessEvent(std::string(engine::to_string(item.kind)), item.app, item.id.value,
                                          details_of(item));
    count(object_of(item.app));
}

void Publisher::send(const engine::ProcessMessage& item)
{
    attachment_->manager.emitMessage(item.id.value, item.json);
}

} // namespace pm::bus
