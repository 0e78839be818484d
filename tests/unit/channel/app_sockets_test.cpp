// SPDX-License-Identifier: Apache-2.0
// Which of an app's sockets stay, and which are closed.
#include "sockets_world.hpp"

#include "channel/app_sockets.hpp"

namespace pm::channel::test {
namespace {

using engine::ProcessKey;

class SharedOfApp : public SocketsWorld {
protected:
    /// A socket that listens, at a free port; a copy of what the app has.
    SharedSocket socket(std::vector<SocketHolder> holders = {})
    {
        const ListenAddress address = loopback();
        const SocketAddress at = to_kernel(address);
        SharedSocket made;
        made.fd = base::Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        EXPECT_EQ(::bind(made.fd.get(), at.get(), at.size), 0);
        EXPECT_EQ(::listen(made.fd.get(), 1), 0);
        made.place = *place_of(made.fd.get());
        made.inode = socket_inode(made.fd.get());
        made.holders = std::move(holders);
        return made;
    }
    SharedSocket& keep(SharedSocket made)
    {
        const BoundPlace place = made.place;
        EXPECT_TRUE(sockets.add(std::move(made)));
        SharedSocket& kept = *sockets.find(place);
        sockets.keep(kept);
        return kept;
    }

    static constexpr ProcessKey kOld{base::InstanceId{1}, base::Generation{1}};
    static constexpr ProcessKey kNew{base::InstanceId{1}, base::Generation{2}};
    AppSockets sockets{"web", &depot};
};

TEST_F(SharedOfApp, what_nobody_holds_stays_as_long_as_nobody_holds_anything)
{
    keep(socket({{kOld, 1, 3}}));
    sockets.forget(kOld);
    sockets.close_left_behind();
    EXPECT_EQ(sockets.addresses().size(), 1U);
}

TEST_F(SharedOfApp, what_a_successor_does_without_is_closed)
{
    const std::string old_place = to_string(keep(socket({{kOld, 1, 3}})).place);
    const std::string place = to_string(keep(socket({{kOld, 1, 4}, {kNew, 2, 3}})).place);
    EXPECT_EQ(depot.kept.size(), 2U);
    sockets.close_left_behind();
    EXPECT_EQ(sockets.addresses(), (std::vector<std::string>{old_place, place}));
    sockets.forget(kOld);
    sockets.close_left_behind();
    EXPECT_EQ(sockets.addresses(), std::vector<std::string>{place});
    EXPECT_EQ(depot.kept.size(), 1U);
}

TEST_F(SharedOfApp, the_number_is_bounded_and_idle_ones_give_way)
{
    SharedSocket idle = socket();
    const BoundPlace idle_place = idle.place;
    idle.fd.reset();
    EXPECT_TRUE(sockets.add(std::move(idle)));
    while (sockets.addresses().size() + 1 < AppSockets::kMost) keep(socket());
    keep(socket());
    EXPECT_EQ(sockets.find(idle_place), nullptr);
    EXPECT_FALSE(sockets.add(socket()));
    EXPECT_EQ(depot.kept.size(), AppSockets::kMost);
}

TEST_F(SharedOfApp, of_many_holders_those_of_the_same_key_are_forgotten)
{
    SharedSocket made = socket({{kOld, 1, 3}});
    for (pid_t pid = 100; pid < 100 + 2 * static_cast<pid_t>(AppSockets::kMostHolders); ++pid) made.add_holder({kNew, pid, 3});
    EXPECT_EQ(made.holders.size(), AppSockets::kMostHolders);
    EXPECT_EQ(made.holders.front().key, kOld);
}

TEST_F(SharedOfApp, what_was_kept_comes_back_once)
{
    const std::string place = to_string(keep(socket()).place);
    AppSockets later("web", &depot);
    later.recover();
    EXPECT_EQ(later.addresses(), std::vector<std::string>{place});
    later.recover();
    EXPECT_EQ(later.addresses().size(), 1U);
    AppSockets other("another", &depot);
    other.recover();
    EXPECT_EQ(other.addresses().size(), 0U);
}

} // namespace
} // namespace pm::channel::test
