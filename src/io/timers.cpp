// SPDX-License-Identifier: Apache-2.0
#include "io/timers.hpp"

namespace pm::io {

void InstanceTimers::arm(base::InstanceId id, model::TimePoint when)
{
    if (const auto found = sources_.find(id); found != sources_.end()) {
        found->second.set_time(when);
        return;
    }
    auto source = loop_.add_timer(when, Priority::Deferred, [this, id] { fire_(id); }); // what has come by then is heard first
    if (source)
        sources_.emplace(id, std::move(*source));
    else
        warn_(source.error().message);
}

void InstanceTimers::disarm(base::InstanceId id) { sources_.erase(id); }

} // namespace pm::io
