// SPDX-License-Identifier: Apache-2.0
#include "channel/app_channels.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace pm::channel {

using base::Result;
using engine::ChannelEnds;
using engine::ProcessKey;

Result<ChannelEnds> AppChannels::connect(const engine::LaunchRequest& request, const model::SharedIdentity& user)
{
    ChannelEnds all;
    for (engine::Channels* part : parts_) {
        auto ends = part->connect(request, user);
        if (!ends) {
            ended(request.key);
            return base::Unexpected(std::move(ends).error());
        }
        if (ends->messages) all.messages = std::move(ends->messages);
        all.bind_notifications |= ends->bind_notifications;
        std::ranges::move(ends->arguments, std::back_inserter(all.arguments));
        all.environment.merge(ends->environment);
    }
    return all;
}

void AppChannels::reconnect(const engine::LaunchRequest& request, const model::SharedIdentity& user)
{
    for (engine::Channels* part : parts_) part->reconnect(request, user);
}

void AppChannels::take_filter(ProcessKey key, base::Fd& listener)
{
    for (engine::Channels* part : parts_) part->take_filter(key, listener);
}

void AppChannels::runs(ProcessKey key, pid_t pid)
{
    for (engine::Channels* part : parts_) part->runs(key, pid);
}

bool AppChannels::dismiss(ProcessKey key)
{
    return std::ranges::any_of(parts_, [&](engine::Channels* part) { return part->dismiss(key); });
}

bool AppChannels::send_shutdown(ProcessKey key)
{
    return std::ranges::any_of(parts_, [&](engine::Channels* part) { return part->send_shutdown(key); });
}

/// The answer of the part that has a channel for it.
Result<void> AppChannels::send(ProcessKey key, std::string_view json)
{
    for (engine::Channels* part : parts_)
        if (auto sent = part->send(key, json); sent || sent.error().code != base::ErrorCode::NotSupported) return sent;
    return Channels::send(key, json);
}

/// The same.
Result<void> AppChannels::trigger(ProcessKey key, const engine::TriggerRequest& request, engine::Triggered answered)
{
    for (engine::Channels* part : parts_)
        if (auto asked = part->trigger(key, request, answered); asked || asked.error().code != base::ErrorCode::NotSupported) return asked;
    return Channels::trigger(key, request, std::move(answered));
}

const model::CustomData* AppChannels::custom_data(ProcessKey key) const
{
    for (const engine::Channels* part : parts_)
        if (const model::CustomData* data = part->custom_data(key)) return data;
    return nullptr;
}

void AppChannels::ended(ProcessKey key)
{
    for (engine::Channels* part : parts_) part->ended(key);
}

void AppChannels::rests(const std::string& app)
{
    for (engine::Channels* part : parts_) part->rests(app);
}

std::vector<std::string> AppChannels::addresses(const std::string& app) const
{
    std::vector<std::string> all;
    for (const engine::Channels* part : parts_) std::ranges::move(part->addresses(app), std::back_inserter(all));
    return all;
}

} // namespace pm::channel
