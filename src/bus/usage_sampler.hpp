// SPDX-License-Identifier: Apache-2.0
// CPU in percent needs two looks: remembers the last one of each process. Measures only when somebody asks.
#pragma once

#include "engine/ports.hpp"

#include <unordered_map>

namespace pm::bus {

struct Load {
    double cpu_percent = 0; ///< of one processor, since the last sample (the first: since the process started)
    std::uint64_t memory_bytes = 0;
};

class UsageSampler {
public:
    [[nodiscard]] Load sample(engine::Launcher& launcher, engine::ProcessKey key, model::Duration uptime,
                              model::TimePoint now)
    {
        const auto usage = launcher.usage(key);
        if (!usage) return {};
        Last& last = last_[key.id];
        if (last.generation != key.generation) last = {key.generation, 0, now - uptime};
        const double elapsed = std::chrono::duration<double, std::micro>(now - last.at).count();
        const double used = usage->cpu_usec >= last.cpu_usec ? static_cast<double>(usage->cpu_usec - last.cpu_usec) : 0;
        last = {key.generation, usage->cpu_usec, now};
        return {elapsed > 0 ? used * 100.0 / elapsed : 0, usage->memory_bytes};
    }
    void forget(base::InstanceId id) { last_.erase(id); }

private:
    struct Last {
        base::Generation generation;
        std::uint64_t cpu_usec = 0;
        model::TimePoint at;
    };
    std::unordered_map<base::InstanceId, Last> last_;
};

} // namespace pm::bus
