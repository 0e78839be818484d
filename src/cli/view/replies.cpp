// SPDX-License-Identifier: Apache-2.0
#include "cli/view/replies.hpp"

#include "base/text.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace pm::cli {
namespace {

using Json = nlohmann::ordered_json;

std::string who(const ActionReply& reply) { return fmt::format("{} (id {}): ", base::printable(reply.app), reply.id); }

} // namespace

std::string replies_text(const std::vector<ActionReply>& replies)
{
    std::string text;
    for (const ActionReply& reply : replies)
        if (reply.error.empty()) text += who(reply) + base::printable(reply.json) + "\n";
    return text;
}

std::vector<std::string> reply_faults(const std::vector<ActionReply>& replies)
{
    std::vector<std::string> faults;
    for (const ActionReply& reply : replies)
        if (!reply.error.empty()) faults.push_back(who(reply) + base::printable(reply.error));
    return faults;
}

std::string replies_json(const std::vector<ActionReply>& replies)
{
    Json list = Json::array();
    for (const ActionReply& reply : replies) {
        Json item{{"id", reply.id}, {"name", reply.app}};
        const bool replied = reply.error.empty();
        item["reply"] = replied ? Json::parse(reply.json, nullptr, false) : Json();
        item["error"] = replied ? Json() : Json(reply.error);
        list.push_back(std::move(item));
    }
    return list.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

} // namespace pm::cli
