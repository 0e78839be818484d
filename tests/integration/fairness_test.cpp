// SPDX-License-Identifier: Apache-2.0
// One user's calls are in the way of nobody else: turns, bounds, and answers that nobody reads.
#include "system_bus.hpp"

#include <algorithm>
#include <csignal>

namespace pm::test {
namespace {

using Stats = std::map<std::string, sdbus::Variant>;

/// Calls of one connection whose answers are counted as they are read.
class Flood {
public:
    explicit Flood(User& user) : user_(user) {}

    void list(int calls)
    {
        for (int i = 0; i < calls; ++i)
            user_.manager->getProxy().callMethodAsync("ListApps").onInterface("org.pmd1.Manager").withTimeout(std::chrono::seconds(120)).withArguments(Options{}).uponReplyInvoke([this](dbus::ReplyError error, const std::vector<Row>& rows) {
                note(error);
                if (!error) rows_.push_back(rows.size());
            });
    }
    void get_spec(const std::string& app, int calls)
    {
        app_ = dbus::make_proxy(*user_.connection, "org.pmd1", "/org/pmd1/app/" + app);
        for (int i = 0; i < calls; ++i)
            app_->callMethodAsync("GetSpec").onInterface("org.pmd1.App").withTimeout(std::chrono::seconds(120)).uponReplyInvoke([this](dbus::ReplyError error, const std::string&) { note(error); });
    }
    /// Writes what waits to be written, and reads nothing.
    void write() { sd_bus_flush(user_.bus()); }
    void read_until_answered(std::size_t answers)
    {
        const auto end = std::chrono::steady_clock::now() + kPatience * 2;
        while (good_ + errors.size() < answers && std::chrono::steady_clock::now() < end) {
            while (dbus::process_one(*user_.connection)) {
            }
            sd_bus_wait(user_.bus(), 100'000);
        }
        EXPECT_EQ(good_ + errors.size(), answers);
    }
    /// How many rows each list had.
    [[nodiscard]] const std::vector<std::size_t>& rows() const { return rows_; }
    [[nodiscard]] std::size_t good() const { return good_; }
    std::vector<sdbus::Error> errors;

private:
    void note(dbus::ReplyError error)
    {
        if (!error)
            ++good_;
        else
            errors.push_back(*error);
    }
    User& user_;
    std::unique_ptr<sdbus::IProxy> app_;
    std::size_t good_ = 0;
    std::vector<std::size_t> rows_;
};

class FairnessTest : public SystemBusTest {
protected:
    void hold_pmd() const { ASSERT_EQ(kill(pmd_, SIGSTOP), 0); }
    void let_pmd_go() const { ASSERT_EQ(kill(pmd_, SIGCONT), 0); }
    /// What the bus says of a connection.
    std::uint32_t stat(const std::string& connection, const char* key)
    {
        Stats stats;
        bus_object().callMethod("GetConnectionStats").onInterface("org.freedesktop.DBus.Debug.Stats").withArguments(connection).storeResultsTo(stats);
        return stats.at(key).get<std::uint32_t>();
    }
    /// The same as User::reach_bus() for root's connection.
    void reach_bus()
    {
        std::string id;
        bus_object().callMethod("GetId").onInterface("org.freedesktop.DBus").storeResultsTo(id);
    }
    sdbus::IProxy& bus_object()
    {
        if (!bus_proxy_) bus_proxy_ = dbus::make_proxy(*connection_, "org.freedesktop.DBus", "/org/freedesktop/DBus");
        return *bus_proxy_;
    }
    void TearDown() override
    {
        bus_proxy_.reset();
        SystemBusTest::TearDown();
    }

private:
    std::unique_ptr<sdbus::IProxy> bus_proxy_;
};

TEST_F(FairnessTest, RootsCallIsServedBeforeAUsersManyThatCameBefore)
{
    constexpr int kCalls = 100; // a bus lets a connection wait for 128
    Flood flood(*alice_);
    alice_->manager->ListApps({}); // pmd knows who she is
    list();
    hold_pmd();
    flood.list(kCalls);
    alice_->reach_bus();
    bool loaded = false;
    manager_->getProxy()
        .callMethodAsync("Load")
        .onInterface("org.pmd1.Manager")
        .withArguments("{name: web, script: /bin/true, cwd: /, autostart: false}", "stdin", Options{})
        .uponReplyInvoke([&](dbus::ReplyError error, const std::vector<sdbus::ObjectPath>&) { loaded = !error; });
    reach_bus();
    let_pmd_go();
    process_until([&] { return loaded; }, "the answer to Load");
    flood.read_until_answered(kCalls);
    EXPECT_TRUE(flood.errors.empty());
    // Each of her calls that was served after root's lists root's app.
    const auto after = std::ranges::count(flood.rows(), std::size_t{1});
    EXPECT_GT(after, kCalls / 2);
}

TEST_F(FairnessTest, AUserHasSoManyCallsThatWait)
{
    end_daemon(SIGTERM);
    start_daemon({"--config", dir_.write("pmd.yaml", "max_calls_per_user: 10\n")});
    alice_->manager->ListApps({});
    hold_pmd();
    Flood flood(*alice_);
    flood.list(60);
    alice_->reach_bus();
    let_pmd_go();
    flood.read_until_answered(60);
    ASSERT_FALSE(flood.errors.empty());
    EXPECT_GE(flood.good(), 10U);
    EXPECT_EQ(flood.errors.front().getName(), "org.pmd1.Error.Busy");
    EXPECT_NE(flood.errors.front().getMessage().find("max_calls_per_user"), std::string::npos) << flood.errors.front().getMessage();
    EXPECT_EQ(alice_->manager->ListApps({}).size(), 0U); // there is room again
}

TEST_F(FairnessTest, AnswersThatNobodyReadsAreBounded)
{
    constexpr int kCalls = 120;
    end_daemon(SIGTERM);
    start_daemon({"--config", dir_.write("pmd.yaml", "max_file_bytes_per_user: 256K\n")});
    alice_->manager->Load("{name: large, script: /bin/true, cwd: /, autostart: false, env: {A: \"" + std::string(120'000, 'x') + "\"}}", "stdin", {});
    ASSERT_GT(alice_->app("large").Owner(), 0U);
    Flood flood(*alice_);
    flood.get_spec("large", kCalls);
    flood.write();
    const std::string her = alice_->connection->getUniqueName();
    ask_until([&] { return stat(her, "OutgoingBytes") > 4u << 20; }, "answers that wait");
    for (int i = 0; i < 200; ++i) list(); // pmd could have answered all by now
    EXPECT_LT(stat(her, "OutgoingBytes"), 8u << 20);
    flood.read_until_answered(kCalls);
    EXPECT_EQ(flood.good(), std::size_t{kCalls});
    EXPECT_TRUE(flood.errors.empty());
}

TEST_F(FairnessTest, AllObjectsAreToldToUsersWhileTheyAreFew)
{
    const auto objects = [](User& user) {
        std::map<sdbus::ObjectPath, std::map<std::string, Options>> found;
        dbus::make_proxy(*user.connection, "org.pmd1", "/org/pmd1")->callMethod("GetManagedObjects").onInterface("org.freedesktop.DBus.ObjectManager").storeResultsTo(found);
        return found.size();
    };
    const auto apps = [](int from, int to) {
        std::string text = "apps:\n";
        for (int i = from; i < to; ++i) text += "  - {name: a" + std::to_string(i) + ", script: /bin/true, cwd: /, autostart: false}\n";
        return text;
    };
    load(apps(0, 200));
    EXPECT_EQ(objects(*alice_), 200U);
    load(apps(200, 201));
    const auto error = error_of([&] { objects(*alice_); });
    EXPECT_EQ(error.getName(), "org.pmd1.Error.LimitExceeded");
    EXPECT_NE(error.getMessage().find("ListApps"), std::string::npos) << error.getMessage();
    User root(0);
    EXPECT_EQ(objects(root), 201U);
}

TEST_F(FairnessTest, ACallThatCarriesTooMuchIsRefused)
{
    const std::string message = error_of([&] { alice_->manager->Validate(std::string(400'000, '#'), "stdin", {}); }).getMessage();
    EXPECT_NE(message.find("max_file_bytes_per_user"), std::string::npos) << message;
    EXPECT_TRUE(manager_->Validate(std::string(400'000, '#'), "stdin", {}).size() <= 1U);
    EXPECT_EQ(error_of([&] { manager_->Validate(std::string(5'000'000, '#'), "stdin", {}); }).getName(), "org.pmd1.Error.LimitExceeded");
    EXPECT_EQ(error_of([&] { alice_->manager->Validate(std::string(300'000, '#'), "stdin", {}); }).getName(), "org.pmd1.Error.LimitExceeded");
}

} // namespace
} // namespace pm::test
