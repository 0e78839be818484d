// SPDX-License-Identifier: Apache-2.0
// What is told of signals that nobody reads, at bounds that a test reaches.
#include "bus/unread.hpp"
#include "io/sdbus_bridge.hpp"
#include "system_bus.hpp"

namespace pm::test {
namespace {

constexpr const char* kInterface = "org.example.Talker";

class UnreadTest : public SystemBusTest {
protected:
    void SetUp() override
    {
        if (const char* why = why_no_bus()) GTEST_SKIP() << why;
        start_bus();
        talker_ = sdbus::createSystemBusConnection();
        bridge_ = std::make_unique<io::SdbusBridge>(loop_, *talker_, [](const std::string& why) { ADD_FAILURE() << why; });
        unread_ = std::make_unique<bus::Unread>(loop_, *talker_, [this] { ++read_; }, [this] { ++too_much_; },
                                                bus::Unread::Bounds{.answers_of_user = 1, .signals_between_looks = 1, .much = 100'000, .signals_of_user = 50'000, .too_much = 600'000});
        listener_ = sdbus::createSystemBusConnection();
        sd_bus_match_signal(bus_of(*listener_), nullptr, nullptr, nullptr, kInterface, "Said", [](sd_bus_message*, void*, sd_bus_error*) { return 0; }, nullptr);
    }
    void TearDown() override
    {
        unread_.reset();
        bridge_.reset();
        talker_.reset();
        listener_.reset();
        SystemBusTest::TearDown();
    }
    static sd_bus* bus_of(sdbus::IConnection& connection)
    {
        return dbus::bus_of(*dbus::make_proxy(connection, "org.freedesktop.DBus", "/org/freedesktop/DBus"));
    }
    /// Says so many kilobytes that the listener gets and does not read, about an app of `owner`.
    void say(uid_t owner, int kilobytes)
    {
        const std::string text(1000, 'x');
        for (int i = 0; i < kilobytes; ++i) {
            ASSERT_GE(sd_bus_emit_signal(bus_of(*talker_), "/", kInterface, "Said", "s", text.c_str()), 0);
            unread_->signalled(owner, text.size());
        }
    }
    void listen()
    {
        while (dbus::process_one(*listener_)) {
        }
    }
    void run_until(const std::function<bool()>& done)
    {
        const auto end = std::chrono::steady_clock::now() + kPatience;
        while (!done() && std::chrono::steady_clock::now() < end) loop_.run_once(std::chrono::milliseconds(100));
        EXPECT_TRUE(done());
    }

    io::EventLoop loop_;
    std::unique_ptr<sdbus::IConnection> talker_, listener_;
    std::unique_ptr<io::SdbusBridge> bridge_;
    std::unique_ptr<bus::Unread> unread_;
    int read_ = 0, too_much_ = 0;
};

TEST_F(UnreadTest, MuchIsNoticedAndWhoCausesItWaits)
{
    EXPECT_TRUE(unread_->may_answer(kAlice));
    say(kAlice, 350); // the socket of the listener holds some of it
    run_until([&] { return unread_->is_much(); });
    EXPECT_TRUE(unread_->may_answer(kAlice)); // what she said before it was much does not count
    say(kAlice, 60);
    EXPECT_FALSE(unread_->may_answer(kAlice));
    EXPECT_TRUE(unread_->may_answer(kBob));
    run_until([&] {
        listen();
        return read_ > 0;
    });
    EXPECT_FALSE(unread_->is_much());
    EXPECT_TRUE(unread_->may_answer(kAlice));
    EXPECT_EQ(too_much_, 0);
}

TEST_F(UnreadTest, TooMuchIsTold)
{
    say(kAlice, 1500);
    run_until([&] { return too_much_ > 0; });
}

} // namespace
} // namespace pm::test
