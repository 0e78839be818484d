// SPDX-License-Identifier: Apache-2.0
// The clocks of a zone of the system's database, tzset(3).
#pragma once

#include "model/cron.hpp"

#include <string>

namespace pm::upkeep {

/// While it lives the process has this zone; there is one at a time, and nobody else of this process asks for local times.
class SystemZone final : public model::TimeZone {
public:
    /// Empty: the machine's.
    explicit SystemZone(const std::string& name);
    ~SystemZone() override;
    SystemZone(const SystemZone&) = delete;
    SystemZone& operator=(const SystemZone&) = delete;
    [[nodiscard]] std::tm local(std::time_t at) const override;
    [[nodiscard]] std::time_t moment(std::tm wall) const override;

private:
    bool changed_ = false;
    bool had_ = false;
    std::string before_;
};

} // namespace pm::upkeep
