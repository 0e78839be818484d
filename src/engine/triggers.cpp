// SPDX-License-Identifier: Apache-2.0
#include "engine/triggers.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <memory>
#include <set>
#include <utility>

namespace pm::engine {
namespace {

using base::ErrorCode;
using base::fail;
using base::Result;

/// Of all replies to one call together: what a bus takes as one message.
constexpr std::size_t kMostBytes = std::size_t{16} << 20;
constexpr std::size_t kMostListed = 20;

/// The replies of one call; shared by all who are to reply.
class Gathering {
public:
    explicit Gathering(TriggerDone done) : done_(std::move(done)) {}

    void expect(std::size_t count) { left_ += count; }
    /// What one of those who were expected replied.
    void take(const std::string& app, base::InstanceId id, Result<std::string> reply)
    {
        if (reply) bytes_ += reply->size();
        if (reply && bytes_ > kMostBytes)
            reply = fail(ErrorCode::LimitExceeded, fmt::format("all replies together are longer than {}", base::format_bytes(kMostBytes)));
        replies_.push_back({app, id, std::move(reply)});
        if (--left_ > 0) return;
        std::ranges::sort(replies_, {}, &TriggerReply::id);
        done_(replies_);
    }

private:
    TriggerDone done_;
    std::vector<TriggerReply> replies_;
    std::size_t left_ = 0;
    std::size_t bytes_ = 0;
};

/// "there are: flush, stats and 3 more".
std::string announced_by(Driver& driver, std::span<Instance* const> instances)
{
    std::set<std::string> all;
    for (const Instance* instance : instances)
        if (const model::CustomData* data = driver.channels().custom_data(instance->key()))
            for (const auto& [name, action] : data->actions) all.insert(name);
    if (all.empty()) return "none was announced";
    std::vector<std::string> named;
    for (const std::string& name : all)
        if (named.size() < kMostListed) named.push_back(name);
    const std::string more = all.size() > named.size() ? fmt::format(" and {} more", all.size() - named.size()) : "";
    return "there are: " + base::join(named, ", ") + more;
}

/// An action name as people gave it, which may be anything.
std::string shown(const std::string& action)
{
    return base::printable(action.size() > model::CustomBounds::kName ? action.substr(0, model::CustomBounds::kName) + "..." : action);
}

} // namespace

Result<void> trigger(Driver& driver, std::span<Instance* const> instances, std::string_view target,
                     const TriggerRequest& request, TriggerDone done)
{
    const auto gathering = std::make_shared<Gathering>(std::move(done));
    std::vector<std::pair<const Instance*, base::Error>> refused;
    base::Error nobody{ErrorCode::NotOnline, fmt::format("'{}' has no running process", base::printable(target))};
    bool asked = false;
    for (const Instance* instance : instances) {
        if (!has_process(instance->machine.state)) continue;
        const auto sent = driver.channels().trigger(
            instance->key(), request, [gathering, app = instance->app->name, id = instance->id](Result<std::string> reply) {
                gathering->take(app, id, std::move(reply));
            });
        if (sent) {
            asked = true;
            gathering->expect(1);
        } else if (sent.error().code == ErrorCode::NoSuchAction) {
            nobody = {ErrorCode::NoSuchAction, fmt::format("'{}' has no action '{}'; {}", base::printable(target),
                                                           shown(request.action), announced_by(driver, instances))};
        } else if (sent.error().code == ErrorCode::LimitExceeded) {
            refused.emplace_back(instance, sent.error());
        } else if (nobody.code == ErrorCode::NotOnline) {
            nobody = {sent.error().code, fmt::format("'{}': {}", base::printable(target), sent.error().message)};
        }
    }
    if (!asked) return base::Unexpected(refused.empty() ? std::move(nobody) : refused.front().second);
    gathering->expect(refused.size());
    for (const auto& [instance, error] : refused) gathering->take(instance->app->name, instance->id, base::Unexpected(error));
    return {};
}

} // namespace pm::engine
