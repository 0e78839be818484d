// SPDX-License-Identifier: Apache-2.0
#include "upkeep/time_zone.hpp"

#include <cstdlib>

namespace pm::upkeep {

SystemZone::SystemZone(const std::string& name)
{
    if (!name.empty()) {
        changed_ = true;
        const char* before = std::getenv("TZ");
        had_ = before != nullptr;
        if (had_) before_ = before;
        setenv("TZ", name.c_str(), 1);
    }
    tzset(); // the machine's may be another one by now
}

SystemZone::~SystemZone()
{
    if (!changed_) return;
    if (had_)
        setenv("TZ", before_.c_str(), 1);
    else
        unsetenv("TZ");
    tzset();
}

std::tm SystemZone::local(std::time_t at) const
{
    std::tm wall{};
    localtime_r(&at, &wall);
    return wall;
}

std::time_t SystemZone::moment(std::tm wall) const { return std::mktime(&wall); }

} // namespace pm::upkeep
