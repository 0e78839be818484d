// SPDX-License-Identifier: Apache-2.0
// All ways of talking with processes as the one port that the engine and the launchers know.
#pragma once

#include "engine/ports.hpp"

#include <vector>

namespace pm::channel {

class AppChannels final : public engine::Channels {
public:
    /// `part` must outlive this. In the order in which they are added they are asked.
    void add(engine::Channels& part) { parts_.push_back(&part); }

    /// What the parts give together. When one fails, those before it hear that the process ended.
    base::Result<engine::ChannelEnds> connect(const engine::LaunchRequest& request, const model::SharedIdentity& user) override;
    void reconnect(const engine::LaunchRequest& request, const model::SharedIdentity& user) override;
    void take_filter(engine::ProcessKey key, base::Fd& listener) override;
    void runs(engine::ProcessKey key, pid_t pid) override;
    bool dismiss(engine::ProcessKey key) override;
    bool send_shutdown(engine::ProcessKey key) override;
    base::Result<void> send(engine::ProcessKey key, std::string_view json) override;
    base::Result<void> trigger(engine::ProcessKey key, const engine::TriggerRequest& request, engine::Triggered answered) override;
    [[nodiscard]] const model::CustomData* custom_data(engine::ProcessKey key) const override;
    void ended(engine::ProcessKey key) override;
    void rests(const std::string& app) override;
    [[nodiscard]] std::vector<std::string> addresses(const std::string& app) const override;

private:
    std::vector<engine::Channels*> parts_;
};

} // namespace pm::channel
