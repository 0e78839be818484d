// SPDX-License-Identifier: Apache-2.0
#include "model/dependency_order.hpp"

#include <gtest/gtest.h>

namespace pm::model {
namespace {

/// "a b c": app a needs b and c.
class Graph {
public:
    explicit Graph(std::vector<std::vector<std::string>> apps) : apps_(std::move(apps)), needs_(apps_.size())
    {
        for (std::size_t at = 0; at < apps_.size(); ++at) {
            for (std::size_t need = 1; need < apps_[at].size(); ++need) needs_[at][apps_[at][need]] = DependencyCondition::Ready;
            nodes_.push_back({apps_[at].front(), &needs_[at]});
        }
    }
    [[nodiscard]] std::string order() const
    {
        std::string text;
        for (const std::size_t at : dependencies_first(nodes_)) text += nodes_[at].name;
        return text;
    }
    [[nodiscard]] std::string cycle() const
    {
        std::string text;
        for (const std::string& name : dependency_cycle(nodes_)) text += name;
        return text;
    }

private:
    std::vector<std::vector<std::string>> apps_;
    std::vector<Dependencies> needs_;
    std::vector<DependencyNode> nodes_;
};

TEST(DependencyOrder, IsTheOrderGivenAsFarAsItMay)
{
    EXPECT_EQ(Graph({}).order(), "");
    EXPECT_EQ(Graph({{"c"}, {"a"}, {"b"}}).order(), "cab");
    EXPECT_EQ(Graph({{"a", "b"}, {"b", "c"}, {"c"}, {"d"}}).order(), "cbad");
    EXPECT_EQ(Graph({{"a", "d", "nowhere"}, {"b", "d"}, {"d"}}).order(), "dab");
    EXPECT_EQ(Graph({{"x", "a"}, {"a", "b"}, {"b", "a"}, {"c"}}).order(), "cxab") << "what no order fits stays as it was";
}

TEST(DependencyCycle, IsNamedFromEndToEnd)
{
    EXPECT_EQ(Graph({{"a", "b"}, {"b", "nowhere"}}).cycle(), "");
    EXPECT_EQ(Graph({{"a", "a"}, {"b"}}).cycle(), "aa");
    EXPECT_EQ(Graph({{"x", "a"}, {"a", "b"}, {"b", "c"}, {"c", "a"}, {"y", "c"}}).cycle(), "abca");
}

TEST(DependencyOrder, AChainOfAHundredThousandIsNoTrouble)
{
    std::vector<std::vector<std::string>> apps;
    for (int i = 0; i < 100'000; ++i) apps.push_back({std::to_string(i), std::to_string(i + 1)});
    const Graph graph(std::move(apps));
    EXPECT_TRUE(graph.order().starts_with("9999999998"));
    EXPECT_EQ(graph.cycle(), "");
}

} // namespace
} // namespace pm::model
