// SPDX-License-Identifier: Apache-2.0
// CPU in percent needs two looks some time apart. Measures only when somebody asks.
//
// Those who ask share the looks: each is compared with one that is at least kLeastWindow old (the first: with the start of
// the process), so that several who ask in a row get a figure that means something.
#pragma once

#include "engine/ports.hpp"

#include <unordered_map>

namespace pm::bus {

struct Load {
    double cpu_percent = 0; ///< of one processor
    std::uint64_t memory_bytes = 0;
};

class UsageSampler {
public:
    static constexpr std::chrono::milliseconds kLeastWindow{1'000};

    [[nodiscard]] Load sample(engine::Launcher& launcher, engine::ProcessKey key, model::Duration uptime,
                              model::TimePoint now)
    {
        const auto usage = launcher.usage(key);
        if (!usage) return {};
        Looks& looks = looks_[key.id];
        const Look start{0, now - uptime};
        if (looks.generation != key.generation) looks = {key.generation, start, start};
        if (now - looks.last.at >= kLeastWindow) looks = {key.generation, looks.last, {usage->cpu_usec, now}};
        const Look& since = looks.before;
        const double elapsed = std::chrono::duration<double, std::micro>(now - since.at).count();
        const double used = usage->cpu_usec >= since.cpu_usec ? static_cast<double>(usage->cpu_usec - since.cpu_usec) : 0;
        return {elapsed > 0 ? used * 100.0 / elapsed : 0, usage->memory_bytes};
    }
    void forget(base::InstanceId id) { looks_.erase(id); }

private:
    struct Look {
        std::uint64_t cpu_usec = 0;
        model::TimePoint at;
    };
    struct Looks {
        base::Generation generation;
        Look before; ///< what is compared with
        Look last;   ///< becomes that when it is old enough
    };
    std::unordered_map<base::InstanceId, Looks> looks_;
};

} // namespace pm::bus
