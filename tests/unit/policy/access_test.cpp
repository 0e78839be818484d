// SPDX-License-Identifier: Apache-2.0
#include "policy/access.hpp"

#include <gtest/gtest.h>
#include <string>

namespace pm::policy {
namespace {

std::string leave(Access access, Relation relation)
{
    const auto action = needed(access, relation);
    return action ? std::string(to_string(*action)) : "allowed";
}

TEST(AccessTable, IsTheOneOfTheDocuments)
{
    struct Row {
        Access access;
        const char* owner;
        const char* stranger;
    };
    for (const Row& row : {
             Row{Access::Look, "allowed", "allowed"},
             Row{Access::Declare, "allowed", "allowed"},
             Row{Access::Manage, "allowed", "org.pmd1.manage-apps"},
             Row{Access::ReadPrivate, "allowed", "org.pmd1.read-environment"},
             Row{Access::Exceed, "org.pmd1.run-as-other-user", "org.pmd1.run-as-other-user"},
             Row{Access::ManageDaemon, "org.pmd1.manage-daemon", "org.pmd1.manage-daemon"},
         }) {
        EXPECT_EQ(leave(row.access, Relation::Master), "allowed") << static_cast<int>(row.access);
        EXPECT_EQ(leave(row.access, Relation::Owner), row.owner) << static_cast<int>(row.access);
        EXPECT_EQ(leave(row.access, Relation::Stranger), row.stranger) << static_cast<int>(row.access);
    }
}

TEST(Relations, RootAndTheUserOfPmdAreMasters)
{
    struct Row {
        uid_t caller, daemon, owner;
        Relation relation;
    };
    for (const Row& row : {
             Row{0, 0, 0, Relation::Master},
             Row{0, 0, 1001, Relation::Master},
             Row{0, 1001, 1002, Relation::Master},
             Row{1001, 1001, 1002, Relation::Master},
             Row{1001, 0, 1001, Relation::Owner},
             Row{1001, 0, 0, Relation::Stranger},
             Row{1001, 0, 1002, Relation::Stranger},
         })
        EXPECT_EQ(relation_of(row.caller, row.daemon, row.owner), row.relation)
            << row.caller << " " << row.daemon << " " << row.owner;
}

} // namespace
} // namespace pm::policy
