// SPDX-License-Identifier: Apache-2.0
#include "base/uptime.hpp"

#include <fstream>
#include <iterator>
#include <sstream>

namespace pm::base {
namespace {

constexpr int kStartTime = 22; ///< proc(5), /proc/PID/stat
constexpr int kFirstBehindName = 3;

/// "?" where it may not be read, always then.
std::string start_of_first_process()
{
    std::ifstream file("/proc/1/stat");
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    const auto name_end = text.rfind(')'); // the name may have anything in it
    if (name_end == std::string::npos) return "?";
    std::istringstream rest(text.substr(name_end + 1));
    std::string field;
    for (int number = kFirstBehindName; number <= kStartTime; ++number) rest >> field;
    return rest ? field : "?";
}

} // namespace

Uptime uptime_identity()
{
    Uptime uptime;
    std::ifstream("/proc/sys/kernel/random/boot_id") >> uptime.boot;
    uptime.start = start_of_first_process();
    return uptime;
}

std::string to_string(const Uptime& uptime) { return uptime.boot + "." + uptime.start; }

} // namespace pm::base
