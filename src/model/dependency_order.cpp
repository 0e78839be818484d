// SPDX-License-Identifier: Apache-2.0
#include "model/dependency_order.hpp"

#include <algorithm>
#include <queue>
#include <unordered_map>

namespace pm::model {
namespace {

/// Takes away, again and again, the first app whose needs are all taken (Kahn 1962); on a cycle some are left.
class Sorting {
public:
    explicit Sorting(std::span<const DependencyNode> apps) : apps_(apps), unmet_(apps.size()), needed_by_(apps.size())
    {
        for (std::size_t at = 0; at < apps.size(); ++at) places_.emplace(apps[at].name, at);
        for (std::size_t at = 0; at < apps.size(); ++at) {
            for_each_need(at, [&](std::size_t need) {
                ++unmet_[at];
                needed_by_[need].push_back(at);
            });
            if (unmet_[at] == 0) free_.push(at);
        }
        take_free();
    }

    /// Those that could be taken, in order.
    [[nodiscard]] const std::vector<std::size_t>& order() const noexcept { return order_; }
    /// True when the app could not be taken.
    [[nodiscard]] bool is_left(std::size_t at) const noexcept { return unmet_[at] > 0; }
    /// One of the needs of an app that is left which is left too.
    [[nodiscard]] std::size_t left_need(std::size_t at) const
    {
        std::size_t found = at;
        for_each_need(at, [&](std::size_t need) {
            if (is_left(need)) found = need;
        });
        return found;
    }

private:
    template <typename Visit>
    void for_each_need(std::size_t at, Visit&& visit) const
    {
        for (const auto& [name, condition] : *apps_[at].needs)
            if (const auto found = places_.find(name); found != places_.end()) visit(found->second);
    }
    void take_free()
    {
        while (!free_.empty()) {
            const std::size_t taken = free_.top();
            free_.pop();
            order_.push_back(taken);
            for (const std::size_t other : needed_by_[taken])
                if (--unmet_[other] == 0) free_.push(other);
        }
    }

    std::span<const DependencyNode> apps_;
    std::unordered_map<std::string_view, std::size_t> places_;
    std::vector<std::size_t> unmet_;
    std::vector<std::vector<std::size_t>> needed_by_;
    std::priority_queue<std::size_t, std::vector<std::size_t>, std::greater<>> free_;
    std::vector<std::size_t> order_;
};

} // namespace

std::vector<std::size_t> dependencies_first(std::span<const DependencyNode> apps)
{
    const Sorting sorting(apps);
    std::vector<std::size_t> order = sorting.order();
    for (std::size_t at = 0; at < apps.size(); ++at)
        if (sorting.is_left(at)) order.push_back(at);
    return order;
}

std::vector<std::string> dependency_cycle(std::span<const DependencyNode> apps)
{
    const Sorting sorting(apps);
    std::size_t at = 0;
    while (at < apps.size() && !sorting.is_left(at)) ++at;
    if (at == apps.size()) return {};
    std::vector<std::size_t> way;
    for (; std::ranges::find(way, at) == way.end(); at = sorting.left_need(at)) way.push_back(at);
    way.erase(way.begin(), std::ranges::find(way, at));
    way.push_back(at);
    std::vector<std::string> names;
    for (const std::size_t one : way) names.emplace_back(apps[one].name);
    return names;
}

} // namespace pm::model
