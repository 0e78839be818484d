// SPDX-License-Identifier: Apache-2.0
#include "engine/table.hpp"

#include "base/path.hpp"
#include "base/text.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace pm::engine {
namespace {

constexpr std::size_t kMaxWordToCompare = 64; // nearness of longer words is not worth the time it takes

void append(std::vector<Instance*>& selected, const App& app)
{
    for (const auto& [slot, instance] : app.instances) selected.push_back(instance.get());
}

} // namespace

const model::AppSpec* Instance::spec_of(base::Generation generation) const
{
    if (generation == machine.generation) return has_process(machine.state) ? running.get() : nullptr;
    const auto found = others.find(generation);
    return found == others.end() ? nullptr : found->second.spec.get();
}

std::vector<Instance*> App::staying() const
{
    std::vector<Instance*> list;
    for (const auto& [slot, instance] : instances)
        if (!instance->leaving) list.push_back(instance.get());
    return list;
}

std::uint32_t App::staying_count() const noexcept
{
    return static_cast<std::uint32_t>(
        std::ranges::count_if(instances, [](const auto& entry) { return !entry.second->leaving; }));
}

App& Table::add_app(std::shared_ptr<const model::AppSpec> spec)
{
    auto app = std::make_unique<App>();
    app->name = spec->name;
    app->spec = std::move(spec);
    app->sequence = next_sequence_++;
    App& added = *app;
    by_name_.emplace(added.name, &added);
    apps_.emplace(added.sequence, std::move(app));
    return added;
}

Instance& Table::add_instance(App& app)
{
    base::Slot slot{0};
    for (const auto& [taken, instance] : app.instances) {
        if (taken != slot) break;
        ++slot.value;
    }
    // The number of instances is bounded far below that of ids, so a free one is soon found after a wrap.
    while (by_id_.contains(base::InstanceId{next_id_})) ++next_id_;
    return *restore_instance(app, base::InstanceId{next_id_}, slot);
}

Instance* Table::restore_instance(App& app, base::InstanceId id, base::Slot slot)
{
    if (by_id_.contains(id) || app.instances.contains(slot)) return nullptr;
    auto instance = std::make_unique<Instance>();
    instance->app = &app;
    instance->id = id;
    instance->slot = slot;
    next_id_ = std::max(next_id_, id.value + 1);
    Instance* added = instance.get();
    by_id_.emplace(added->id, added);
    app.instances.emplace(slot, std::move(instance));
    return added;
}

bool Table::remove(Instance& instance)
{
    App& app = *instance.app;
    by_id_.erase(instance.id);
    app.instances.erase(base::Slot{instance.slot});
    if (!app.instances.empty()) return false;
    by_name_.erase(app.name);
    apps_.erase(std::uint64_t{app.sequence});
    if (apps_.empty()) next_id_ = 0;
    return true;
}

App* Table::find(const std::string& name) const
{
    const auto found = by_name_.find(name);
    return found == by_name_.end() ? nullptr : found->second;
}

Instance* Table::find(base::InstanceId id) const
{
    const auto found = by_id_.find(id);
    return found == by_id_.end() ? nullptr : found->second;
}

base::Result<std::vector<Instance*>> Table::select(std::string_view text, const May& may) const
{
    const auto target = policy::parse_target(text);
    if (!target) return base::Unexpected(target.error());
    auto selected = matching(*target);
    if (selected.empty()) return no_such_app(text);
    if (may) std::erase_if(selected, [&](const Instance* one) { return !may(one->app->name, one->app->owner); });
    if (selected.empty())
        return base::fail(base::ErrorCode::NotAuthorized,
                          fmt::format("'{}' belongs to somebody else", base::printable(text.substr(0, 256))));
    return selected;
}

std::vector<Instance*> Table::matching(const policy::Target& target) const
{
    std::vector<Instance*> selected;
    const auto append_if = [&](auto&& wanted) {
        for (const auto& [sequence, app] : apps_)
            if (wanted(*app)) append(selected, *app);
    };
    switch (target.kind) {
    case policy::Target::Kind::All: append_if([](const App&) { return true; }); return selected;
    case policy::Target::Kind::Pattern:
        append_if([&](const App& app) { return target.pattern->matches(app.name); });
        return selected;
    case policy::Target::Kind::Word: break;
    }
    if (const App* app = find(target.word)) append(selected, *app);
    if (selected.empty() && target.word.starts_with('/'))
        append_if([script = base::absolute_path("/", target.word)](const App& app) {
            return base::absolute_path(app.spec->cwd, app.spec->script) == script;
        });
    if (selected.empty()) append_if([&](const App& app) { return app.spec->name_space == target.word; });
    if (selected.empty() && target.id)
        if (Instance* instance = find(*target.id)) selected.push_back(instance);
    return selected;
}

base::Unexpected Table::no_such_app(std::string_view target) const
{
    const auto fail = [](std::string message) { return base::fail(base::ErrorCode::NoSuchApp, std::move(message)); };
    if (target == "all") return fail("there are no apps");
    std::vector<std::string_view> names;
    if (target.size() <= kMaxWordToCompare)
        for (const auto& [sequence, app] : apps_) names.emplace_back(app->name);
    const std::string shown = base::printable(target.substr(0, 256));
    if (target.starts_with('/') && !target.ends_with('/')) return fail(fmt::format("no app runs '{}'", shown));
    const auto near = base::nearest(target, names);
    return fail(near ? fmt::format("no app, namespace or id '{}'; did you mean '{}'?", shown, *near)
                     : fmt::format("no app, namespace or id '{}'", shown));
}

} // namespace pm::engine
