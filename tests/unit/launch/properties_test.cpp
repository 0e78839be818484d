// SPDX-License-Identifier: Apache-2.0
// Properties on their way out: into messages for systemd, and into files of a cgroup.
#include "base/fd.hpp"
#include "launch/direct/cgroup_limits.hpp"
#include "launch/systemd/append_property.hpp"

#include <gtest/gtest.h>
#include <memory>
#include <netinet/in.h>
#include <stdexcept>
#include <sys/socket.h>

namespace pm::launch::test {
namespace {

using model::UnitProperty;

/// A message without a bus behind it.
class AppendTest : public testing::Test {
protected:
    AppendTest()
    {
        sd_bus* bus = nullptr;
        if (sd_bus_new(&bus) < 0) throw std::runtime_error("sd_bus_new");
        bus_.reset(bus);
        // A bus that is connected to nobody takes messages all the same.
        int ends[2];
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0 || sd_bus_set_fd(bus, ends[0], ends[0]) < 0 ||
            sd_bus_start(bus) < 0)
            throw std::runtime_error("sd_bus_start");
        other_ = base::Fd(ends[1]);
    }
    /// A message with this property alone, at its value, of which `signature` is the type.
    sd_bus_message* value_of(const UnitProperty& property, const char* signature)
    {
        sd_bus_message* message = nullptr;
        if (sd_bus_message_new_method_call(bus_.get(), &message, "a.b", "/a", "a.b", "C") < 0) throw std::runtime_error("message");
        message_.reset(message);
        EXPECT_GE(sd_bus_message_open_container(message, 'a', "(sv)"), 0);
        EXPECT_EQ(model::signature(property.value), signature);
        EXPECT_GE(append(message, property), 0);
        EXPECT_GE(sd_bus_message_close_container(message), 0);
        EXPECT_GE(sd_bus_message_seal(message, 1, 0), 0);
        EXPECT_GE(sd_bus_message_rewind(message, 1), 0);
        EXPECT_GT(sd_bus_message_enter_container(message, 'a', "(sv)"), 0);
        EXPECT_GT(sd_bus_message_enter_container(message, 'r', "sv"), 0);
        const char* name = nullptr;
        EXPECT_GT(sd_bus_message_read(message, "s", &name), 0);
        EXPECT_EQ(name, property.name);
        EXPECT_GT(sd_bus_message_enter_container(message, 'v', signature), 0);
        return message;
    }

private:
    struct CloseBus {
        void operator()(sd_bus* bus) const noexcept { sd_bus_close_unref(bus); }
    };
    struct DropMessage {
        void operator()(sd_bus_message* message) const noexcept { sd_bus_message_unref(message); }
    };
    std::unique_ptr<sd_bus, CloseBus> bus_;
    base::Fd other_;
    std::unique_ptr<sd_bus_message, DropMessage> message_;
};

TEST_F(AppendTest, Bool)
{
    int value = 0;
    EXPECT_GT(sd_bus_message_read(value_of({"A", true}, "b"), "b", &value), 0);
    EXPECT_EQ(value, 1);
}

TEST_F(AppendTest, Signed)
{
    std::int32_t value = 0;
    EXPECT_GT(sd_bus_message_read(value_of({"A", std::int32_t{-5}}, "i"), "i", &value), 0);
    EXPECT_EQ(value, -5);
}

TEST_F(AppendTest, Unsigned)
{
    std::uint32_t value = 0;
    EXPECT_GT(sd_bus_message_read(value_of({"A", std::uint32_t{7}}, "u"), "u", &value), 0);
    EXPECT_EQ(value, 7U);
}

TEST_F(AppendTest, Long)
{
    std::uint64_t value = 0;
    EXPECT_GT(sd_bus_message_read(value_of({"A", UINT64_MAX}, "t"), "t", &value), 0);
    EXPECT_EQ(value, UINT64_MAX);
}

TEST_F(AppendTest, TextsAndNoTexts)
{
    const char *first = nullptr, *second = nullptr;
    EXPECT_GT(sd_bus_message_read(value_of({"A", std::vector<std::string>{"x", ""}}, "as"), "as", 2, &first, &second), 0);
    EXPECT_STREQ(first, "x");
    EXPECT_STREQ(second, "");
}

TEST_F(AppendTest, Bytes)
{
    const void* bytes = nullptr;
    std::size_t size = 0;
    EXPECT_GT(sd_bus_message_read_array(value_of({"A", std::vector<std::uint8_t>{1, 2}}, "ay"), 'y', &bytes, &size), 0);
    ASSERT_EQ(size, 2U);
    EXPECT_EQ(static_cast<const std::uint8_t*>(bytes)[1], 2);
}

TEST_F(AppendTest, Filter)
{
    int only = 1;
    const char* name = nullptr;
    EXPECT_GT(sd_bus_message_read(value_of({"A", model::NameFilter{false, {"x"}}}, "(bas)"), "(bas)", &only, 1, &name), 0);
    EXPECT_EQ(only, 0);
    EXPECT_STREQ(name, "x");
}

TEST_F(AppendTest, Binds)
{
    const char *from = nullptr, *to = nullptr;
    int optional = 0;
    std::uint64_t flags = 0;
    sd_bus_message* message = value_of({"A", std::vector<model::BindMount>{{"/a", "/b", true, 16384}}}, "a(ssbt)");
    EXPECT_GT(sd_bus_message_read(message, "a(ssbt)", 1, &from, &to, &optional, &flags), 0);
    EXPECT_STREQ(from, "/a");
    EXPECT_STREQ(to, "/b");
    EXPECT_EQ(optional, 1);
    EXPECT_EQ(flags, 16384U);
}

TEST_F(AppendTest, PortRules)
{
    std::int32_t family = 0, protocol = 0;
    std::uint16_t count = 0, first = 0;
    sd_bus_message* message = value_of({"A", std::vector<model::PortRule>{{AF_INET6, IPPROTO_UDP, 2, 65534}}}, "a(iiqq)");
    EXPECT_GT(sd_bus_message_read(message, "a(iiqq)", 1, &family, &protocol, &count, &first), 0);
    EXPECT_EQ(family, AF_INET6);
    EXPECT_EQ(protocol, IPPROTO_UDP);
    EXPECT_EQ(count, 2);
    EXPECT_EQ(first, 65534);
}

TEST_F(AppendTest, AddressesAndSecretsAndTheRest)
{
    // Their contents are compared by systemd itself (tests/systemd): here, that the type that is said is the one that is sent.
    const std::vector<std::pair<UnitProperty, const char*>> rows{
        {{"A", std::vector<model::AddressPrefix>{{AF_INET, {10, 0, 0, 0}, 8}}}, "a(iayu)"},
        {{"A", std::vector<model::NamedBytes>{{"x", {1}}}}, "a(say)"},
        {{"A", std::vector<model::TextPair>{{"x", "y"}}}, "a(ss)"},
        {{"A", std::vector<model::TextNumber>{{"x", 1}}}, "a(st)"},
        {{"A", std::vector<model::Symlink>{{"x", "y", 0}}}, "a(sst)"},
        {{"A", model::LenientText{true, "x"}}, "(bs)"},
        {{"A", std::string("x")}, "s"},
    };
    for (const auto& [property, signature] : rows) {
        SCOPED_TRACE(signature);
        EXPECT_GT(sd_bus_message_skip(value_of(property, signature), signature), 0);
    }
}

TEST(CgroupLimit, IsWrittenAsTheKernelTakesIt)
{
    const auto written = [](const char* name, std::uint64_t value) {
        const auto limit = cgroup_limit({name, value});
        return limit ? std::string(limit->file) + "=" + limit->text : std::string();
    };
    EXPECT_EQ(written("MemoryMax", 4096), "memory.max=4096");
    EXPECT_EQ(written("MemoryMax", UINT64_MAX), "memory.max=max");
    EXPECT_EQ(written("MemorySwapMax", 0), "memory.swap.max=0");
    EXPECT_EQ(written("CPUQuotaPerSecUSec", 1'500'000), "cpu.max=150000 100000");
    EXPECT_EQ(written("CPUQuotaPerSecUSec", 5'000), "cpu.max=1000 100000") << "no less than a millisecond";
    EXPECT_EQ(written("CPUQuotaPerSecUSec", UINT64_MAX), "cpu.max=max 100000");
    EXPECT_EQ(written("CPUWeight", UINT64_MAX), "cpu.weight=100");
    EXPECT_EQ(written("IOWeight", 7), "io.weight=default 7");
    EXPECT_EQ(written("TasksMax", 20), "pids.max=20");
    EXPECT_EQ(written("TimeoutStopUSec", 20), "");
    EXPECT_FALSE(cgroup_limit({"MemoryMax", true}));
}

TEST(CgroupLimit, WhatDoesNotHoldIsSaid)
{
    model::AppSpec spec;
    const auto none = [](std::string_view) { return false; };
    EXPECT_EQ(limits_not_enforced(spec, none), "");
    spec.limits = {.memory_max = 1, .cpu = 50, .tasks = 3};
    EXPECT_EQ(limits_not_enforced(spec, [](std::string_view) { return true; }), "");
    EXPECT_EQ(limits_not_enforced(spec, [](std::string_view controller) { return controller == "cpu"; }),
              "limits not enforced: memory_max, tasks: pmd has no cgroup with the controllers for it here");
    spec.limits.scope = model::LimitScope::App;
    EXPECT_EQ(limits_not_enforced(spec, [](std::string_view) { return true; }),
              "limits not enforced: memory_max, cpu, tasks: 'scope: app' needs the systemd launcher");
}

} // namespace
} // namespace pm::launch::test
