// SPDX-License-Identifier: Apache-2.0
#include "bus/load.hpp"

#include "base/text.hpp"
#include "bus/load_request.hpp"
#include "io/small_file.hpp"
#include "policy/own_rights.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <memory>
#include <sys/resource.h>

namespace pm::bus {
namespace {

using SharedRequest = std::shared_ptr<LoadRequest>;

/// What anything that pmd starts may have at most of `resource`.
rlim_t hard_limit(int resource)
{
    rlimit limit{};
    return getrlimit(static_cast<__rlimit_resource_t>(resource), &limit) == 0 ? limit.rlim_max : 0;
}

/// What logind leaves to all sessions of one user, a third of what the kernel can have (logind.conf(5), user-.slice).
std::uint64_t most_tasks_of_user()
{
    std::uint64_t most = UINT32_MAX;
    for (const char* file : {"/proc/sys/kernel/threads-max", "/proc/sys/kernel/pid_max"}) {
        const auto text = io::read_small_file(file, 32);
        const auto number = text ? base::parse_number<std::uint64_t>(text->substr(0, text->find('\n'))) : std::nullopt;
        most = std::min(most, number.value_or(most));
    }
    return most / 3;
}

/// Makes the apps of an ordinary user theirs; returns what needs more than their rights.
std::vector<policy::Excess> settle(const Context& context, const Grant& grant, std::vector<model::AppSpec>& specs)
{
    if (grant.master) return {};
    const policy::Loader loader{grant.uid, user_name(context, grant.uid), hard_limit, most_tasks_of_user()};
    std::vector<policy::Excess> all;
    for (model::AppSpec& spec : specs) {
        policy::make_own(spec, loader);
        for (policy::Excess& one : policy::excesses_of(spec, loader))
            all.push_back(std::move(one));
    }
    return all;
}

std::string phrase_of(const std::vector<policy::Excess>& excesses)
{
    const policy::Excess& first = excesses.front();
    std::string phrase = fmt::format("load app '{}' with '{}'", base::printable(first.app), first.what);
    if (excesses.size() > 1) phrase += fmt::format(" and {} more such keys", excesses.size() - 1);
    return phrase;
}

/// Reads what was delivered and goes on with it, `go_on(request)` returning a Result<void>, when all of it is allowed.
template <typename Reply, typename GoOn>
base::Result<void> receive(Context& context, const Delivery& delivery, const Grant& grant, const Reply& reply,
                           GoOn go_on)
{
    auto read = read_load_request(context, delivery.text, delivery.origin, delivery.options, &grant);
    if (!read) return tl::unexpected(read.error());
    if (auto good = faults_of(read->file, delivery.origin); !good) return good;
    const auto request = std::make_shared<LoadRequest>(std::move(*read));
    const auto excesses = settle(context, grant, request->file.apps);
    if (excesses.empty()) return go_on(*request);
    const policy::Excess& first = excesses.front();
    context.authority->ask(delivery.call, grant.uid, policy::PolkitAction::RunAsOtherUser, phrase_of(excesses),
                           {{"app", base::printable(first.app)}, {"key", first.key}, {"verb", "load"}},
                           [reply, request, go_on](const base::Result<void>& answer) {
                               guarded_reply(reply, [&] { return answer ? go_on(*request) : answer; });
                           });
    return {};
}

} // namespace

Paths paths_of(const std::vector<std::string>& apps)
{
    Paths paths;
    paths.reserve(apps.size());
    for (const std::string& app : apps)
        paths.emplace_back(app_path(app));
    return paths;
}

base::Result<void> load(Context& context, const Delivery& delivery, const Grant& grant, const Reply<Paths>& reply)
{
    return receive(context, delivery, grant, reply, [&context, reply](LoadRequest& request) -> base::Result<void> {
        std::vector<std::string> names;
        for (const auto& spec : request.file.apps)
            names.push_back(spec.name);
        auto planned = context.supervisor.apply(std::move(request.file.apps), request.apply,
                                                [reply, names](const engine::Outcome& outcome) {
                                                    if (outcome.failures.empty())
                                                        reply.value(paths_of(names));
                                                    else
                                                        reply.error(summarise(outcome));
                                                });
        if (!planned) return tl::unexpected(planned.error());
        if (!request.wait) reply.value(paths_of(names));
        return {};
    });
}

base::Result<void> plan(Context& context, const Delivery& delivery, const Grant& grant,
                        const Reply<std::vector<PlanRow>>& reply)
{
    return receive(context, delivery, grant, reply, [&context, reply](LoadRequest& request) -> base::Result<void> {
        const auto items = context.supervisor.plan(request.file.apps, request.apply);
        if (!items) return tl::unexpected(items.error());
        std::vector<PlanRow> rows;
        for (const engine::PlanItem& item : *items)
            rows.emplace_back(item.app, std::string(engine::to_string(item.action)), item.why);
        reply.value(rows);
        return {};
    });
}

} // namespace pm::bus
