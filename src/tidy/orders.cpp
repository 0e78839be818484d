// SPDX-License-Identifier: Apache-2.0
#include "tidy/orders.hpp"

#include "watch/as_user.hpp"

#include <algorithm>
#include <ctime>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace pm::tidy {
namespace {

using nlohmann::json;
constexpr std::string_view kForm = "00000000T000000.000000Z"; ///< 0: a digit
constexpr std::string_view kCompressed = ".gz";

} // namespace

std::string to_line(const Orders& orders)
{
    json to = {{"path", watch::as_characters(orders.path)}, {"keep", orders.keep}, {"compress", orders.compress}, {"budget", orders.budget}};
    if (orders.user) to["user"] = {{"uid", orders.user->uid}, {"gid", orders.user->gid}, {"groups", orders.user->groups}};
    return to.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

base::Result<Orders> orders_from(std::string_view line)
{
    try {
        const json from = json::parse(line);
        Orders orders{.user = {}, .path = watch::as_bytes(from.at("path").get<std::string>()), .keep = from.at("keep"), .compress = from.at("compress"), .budget = from.at("budget")};
        if (from.contains("user")) {
            orders.user.emplace();
            orders.user->uid = from.at("user").at("uid");
            orders.user->gid = from.at("user").at("gid");
            orders.user->groups = from.at("user").at("groups").get<std::vector<gid_t>>();
        }
        return orders;
    } catch (const json::exception& error) {
        return base::fail(base::ErrorCode::InvalidArgument, std::string("orders cannot be read: ") + error.what());
    }
}

std::string name_aside(const std::string& path, std::chrono::microseconds when)
{
    const auto seconds = std::chrono::floor<std::chrono::seconds>(when);
    const std::time_t time = seconds.count();
    std::tm parts{};
    ::gmtime_r(&time, &parts);
    return fmt::format("{}.{:04}{:02}{:02}T{:02}{:02}{:02}.{:06}Z", path, parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min,
                       parts.tm_sec, (when - seconds).count());
}

bool is_aside(std::string_view base, std::string_view name)
{
    if (!name.starts_with(base) || name.size() <= base.size() || name[base.size()] != '.') return false;
    std::string_view time = name.substr(base.size() + 1);
    if (time.ends_with(kCompressed)) time.remove_suffix(kCompressed.size());
    return std::ranges::equal(time, kForm, [](char have, char form) { return form == '0' ? have >= '0' && have <= '9' : have == form; });
}

} // namespace pm::tidy
