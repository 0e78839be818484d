// SPDX-License-Identifier: Apache-2.0
#include "bus/service.hpp"

#include <cstdlib>
#include <fmt/format.h>

namespace pm::bus {
namespace {

std::unique_ptr<sdbus::IConnection> connect(config::BusKind scope, const std::string& address)
{
    switch (scope) {
    case config::BusKind::System: return sdbus::createSystemBusConnection();
    case config::BusKind::Session: return sdbus::createSessionBusConnection();
    case config::BusKind::Embedded:
        // sdbus-c++ 1.2 takes no address; the variable is for us alone, apps get a clean environment.
        setenv("DBUS_SESSION_BUS_ADDRESS", address.c_str(), 1);
        return sdbus::createSessionBusConnection();
    }
    return nullptr;
}

} // namespace

Service::Service(io::EventLoop& loop, std::unique_ptr<sdbus::IConnection> connection, Publisher& publisher, Context& context, const OnLost& on_lost)
    : connection_(std::move(connection)), publisher_(publisher), context_(context)
{
    if (context.scope == config::BusKind::System) {
        callers_ = std::make_unique<Callers>(*connection_);
        unread_ = std::make_unique<Unread>(
            loop, *connection_, [this] { line_->look_again(); },
            [on_lost] { on_lost(fmt::format("others have left more than {} MiB of signals unread, and a bus takes only so much of one sender", Unread::Bounds().too_much >> 20)); }, Unread::Bounds());
    }
    line_ = std::make_unique<CallLine>(loop, *connection_, context, callers_.get(), unread_.get());
    authority_ = std::make_unique<Authority>(context, *connection_, callers_.get());
    context_.authority = authority_.get();
    context_.unread = unread_.get();
}

base::Result<std::unique_ptr<Service>> Service::start(io::EventLoop& loop, Publisher& publisher, Context& context,
                                                      const std::string& address,
                                                      std::function<void(const std::string&)> on_lost)
{
    try {
        std::unique_ptr<Service> service(new Service(loop, connect(context.scope, address), publisher, context, on_lost));
        publisher.attach(*service->connection_, context);
        service->bridge_ = std::make_unique<io::SdbusBridge>(loop, *service->connection_, std::move(on_lost));
        service->connection_->requestName(dbus::BusName(kBusName));
        return service;
    } catch (const std::exception& error) {
        publisher.detach();
        return base::fail(base::ErrorCode::Failed, fmt::format("serving '{}' on the {} bus: {}", kBusName,
                                                               config::to_string(context.scope), error.what()));
    }
}

Service::~Service()
{
    try {
        // Whoever waits for a reply gets it before the bus ends with us: the broker answers a second question only after
        // it has passed on what came before the first.
        connection_->releaseName(dbus::BusName(kBusName));
        connection_->releaseName(dbus::BusName(kBusName));
    } catch (const sdbus::Error&) { // the name was gone already, or the bus is
    }
    bridge_.reset();
    context_.quota.abandon_all();
    publisher_.detach();
    context_.authority = nullptr;
    context_.unread = nullptr;
}

} // namespace pm::bus
