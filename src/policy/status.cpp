// SPDX-License-Identifier: Apache-2.0
#include "policy/status.hpp"

namespace pm::policy {
namespace {

int need(model::Status status) noexcept
{
    switch (status) {
    case model::Status::Errored: return 7;
    case model::Status::Backoff: return 6;
    case model::Status::Unhealthy: return 5;
    case model::Status::Stopping: return 4;
    case model::Status::Waiting: return 3;
    case model::Status::Starting: return 2;
    case model::Status::Stopped: return 1;
    case model::Status::Online: return 0;
    }
    return 0;
}

} // namespace

std::optional<std::size_t> neediest(std::span<const model::InstanceSnapshot> instances) noexcept
{
    std::optional<std::size_t> worst;
    for (std::size_t i = 0; i < instances.size(); ++i)
        if (!worst || need(instances[i].status) > need(instances[*worst].status)) worst = i;
    return worst;
}

} // namespace pm::policy
