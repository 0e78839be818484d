// SPDX-License-Identifier: Apache-2.0
// The parts that need no process: the wire format, environment files, reports, /proc and cgroup texts, names.
#include "launch/direct/cgroups.hpp"
#include "launch/process/encoder.hpp"
#include "launch/direct/launch_queue.hpp"
#include "launch/process/pid_file.hpp"
#include "launch/process/process_table.hpp"
#include "launch/process/sentences.hpp"
#include "launch/pm-exec/environment_file.hpp"
#include "launch/pm-exec/orders.hpp"

#include <cerrno>
#include <cstring>
#include <gtest/gtest.h>
#include <random>
#include <set>

namespace pm::launch {
namespace {

using wire::Field;

/// Bytes with the alignment that decode() asks for.
class Bytes {
public:
    explicit Bytes(const std::string& text) : words_(text.size() / 8 + 2), size_(text.size())
    {
        std::memcpy(data(), text.data(), text.size());
    }
    char* data() { return reinterpret_cast<char*>(words_.data()); }
    [[nodiscard]] std::size_t size() const { return size_; }

private:
    std::vector<std::uint64_t> words_;
    std::size_t size_;
};

bool decodes(const std::string& text)
{
    Bytes bytes(text);
    exec::Orders orders;
    return exec::decode(bytes.data(), bytes.size(), orders);
}

std::string sample()
{
    Encoder encoder;
    encoder.number(Field::Kind, 1);
    encoder.number(Field::Flags, wire::kFlagNullErr);
    encoder.text(Field::Argument, "node");
    encoder.text(Field::Argument, "");
    encoder.text(Field::Script, "app.js");
    encoder.assignment(Field::Environment, "A", "1=2");
    encoder.assignment(Field::Base, "PATH", "/bin");
    encoder.text(Field::EnvironmentFile, "/etc/x");
    encoder.text(Field::Directory, "/srv");
    encoder.number(Field::Nice, -5);
    encoder.limit(7, 1, 2);
    const std::uint32_t groups[] = {4, 5, 6};
    encoder.groups(groups);
    return encoder.finish();
}

TEST(Wire, carries_orders)
{
    Bytes bytes(sample());
    exec::Orders orders;
    ASSERT_TRUE(exec::decode(bytes.data(), bytes.size(), orders));
    EXPECT_EQ(orders.kind, wire::CommandKind::Interpreted);
    EXPECT_EQ(orders.flags, wire::kFlagNullErr);
    ASSERT_EQ(orders.arguments.count, 2U);
    EXPECT_STREQ(orders.arguments.items[0], "node");
    EXPECT_STREQ(orders.arguments.items[1], "");
    EXPECT_EQ(orders.arguments.items[2], nullptr);
    EXPECT_STREQ(orders.script, "app.js");
    EXPECT_STREQ(orders.environment.items[0], "A=1=2");
    EXPECT_STREQ(orders.base.items[0], "PATH=/bin");
    EXPECT_STREQ(orders.environment_files.items[0], "/etc/x");
    EXPECT_STREQ(orders.directory, "/srv");
    EXPECT_TRUE(orders.nice.given);
    EXPECT_EQ(orders.nice.value, -5);
    EXPECT_FALSE(orders.uid.given);
    ASSERT_EQ(orders.limit_count, 1U);
    EXPECT_EQ(orders.limits[0]->hard, 2U);
    ASSERT_EQ(orders.group_count, 3U);
    EXPECT_EQ(orders.groups[2], 6U);
}

TEST(Wire, cuts_a_text_at_a_nul)
{
    Encoder encoder;
    encoder.text(Field::Argument, std::string_view("a\0b", 3));
    Bytes bytes(encoder.finish());
    exec::Orders orders;
    ASSERT_TRUE(exec::decode(bytes.data(), bytes.size(), orders));
    EXPECT_STREQ(orders.arguments.items[0], "a");
}

TEST(Wire, refuses_orders_without_a_program) { EXPECT_FALSE(decodes(Encoder().finish())); }

TEST(Wire, refuses_every_truncation)
{
    const std::string whole = sample();
    for (std::size_t size = 0; size < whole.size(); ++size) {
        EXPECT_FALSE(decodes(whole.substr(0, size))) << size;
        std::string honest = whole.substr(0, size); // with a header that tells the shorter size
        const auto told = static_cast<std::uint32_t>(size);
        if (size >= sizeof(wire::OrdersHeader)) std::memcpy(honest.data() + 8, &told, sizeof told);
        (void)decodes(honest); // some are whole again: only memory errors count
    }
}

TEST(Wire, refuses_lengths_that_lie)
{
    for (const std::uint32_t length : {0xffffffffU, 0xfffffff9U, 0x7fffffffU, 1000U}) {
        std::string bytes = sample();
        std::memcpy(bytes.data() + sizeof(wire::OrdersHeader) + 4, &length, sizeof length);
        EXPECT_FALSE(decodes(bytes)) << length;
    }
    for (const std::uint32_t size : {0U, 8U, 0xffffffffU, wire::kMaxOrders + 8}) {
        wire::OrdersHeader header{wire::kOrdersMagic, wire::kVersion, size, 0};
        EXPECT_FALSE(exec::acceptable(header)) << size;
    }
    EXPECT_FALSE(exec::acceptable({wire::kOrdersMagic, wire::kVersion + 1, 64, 0}));
    EXPECT_FALSE(exec::acceptable({wire::kOrdersMagic + 1, wire::kVersion, 64, 0}));
}

TEST(Wire, refuses_a_field_twice_unknown_or_of_the_wrong_size)
{
    const auto with = [](auto add) {
        Encoder encoder;
        encoder.text(Field::Argument, "x");
        add(encoder);
        return decodes(encoder.finish());
    };
    EXPECT_TRUE(with([](Encoder&) {}));
    EXPECT_FALSE(with([](Encoder& e) { e.number(Field::Uid, 1), e.number(Field::Uid, 1); }));
    EXPECT_FALSE(with([](Encoder& e) { e.text(Field::Script, "a"), e.text(Field::Script, "b"); }));
    EXPECT_FALSE(with([](Encoder& e) { e.number(static_cast<Field>(wire::kFieldCount), 1); }));
    EXPECT_FALSE(with([](Encoder& e) { e.text(Field::Uid, "1"); }));
    EXPECT_FALSE(with([](Encoder& e) { e.number(Field::Kind, 3); }));
    EXPECT_FALSE(with([](Encoder& e) {
        for (int i = 0; i < 33; ++i) e.limit(i, 1, 1);
    }));
}

TEST(Wire, survives_random_damage)
{
    std::mt19937 random(4711); // NOLINT: the same each time
    const std::string whole = sample();
    for (int i = 0; i < 20000; ++i) {
        std::string bytes = whole;
        for (int k = 0; k < 3; ++k) bytes[random() % bytes.size()] = static_cast<char>(random());
        (void)decodes(bytes);
    }
}

std::string report(wire::Form form, model::LaunchStage stage, int error, int number, std::string_view first,
                   std::string_view second)
{
    const wire::Report head{wire::kReportMagic, static_cast<std::uint16_t>(stage), static_cast<std::uint16_t>(form), error,
                            number, static_cast<std::uint32_t>(first.size()), static_cast<std::uint32_t>(second.size())};
    return std::string(reinterpret_cast<const char*>(&head), sizeof head).append(first).append(second);
}

TEST(Report, becomes_a_sentence)
{
    const auto exit = from_report(
        report(wire::Form::AsksFor, model::LaunchStage::FindInterpreter, ENOENT, 0, "/x/a.sh", "/nope"));
    EXPECT_EQ(exit.detail, "script '/x/a.sh' asks for interpreter '/nope': No such file or directory");
    EXPECT_EQ(exit.stage, model::LaunchStage::FindInterpreter);
    EXPECT_EQ(exit.code, ENOENT);
}

TEST(Report, is_never_trusted)
{
    const std::string good = report(wire::Form::Plain, model::LaunchStage::Nice, EPERM, 0, "-5", "");
    EXPECT_EQ(from_report(good).detail, "setting nice '-5': Operation not permitted");
    for (std::size_t size = 0; size < good.size(); ++size)
        EXPECT_EQ(from_report(good.substr(0, size)).stage, model::LaunchStage::Wire) << size;
    EXPECT_EQ(from_report(good + "x").stage, model::LaunchStage::Wire);
    std::string bad = good;
    bad[4] = 99;
    EXPECT_EQ(from_report(bad).stage, model::LaunchStage::Wire);
}

struct DotenvRow {
    std::string text;
    std::vector<std::string> assignments;
    int malformed_line = 0;
};

TEST(EnvironmentFile, reads_the_dotenv_format)
{
    const DotenvRow rows[] = {
        {"", {}},
        {"\n \n# only\n", {}},
        {"A=1", {"A=1"}},
        {"A=1\r\nB=2\r\n", {"A=1", "B=2"}},
        {"export A=1\n  export\tB = x y  \n", {"A=1", "B=x y"}},
        {"export=1", {"export=1"}},
        {"exported=1", {"exported=1"}},
        {"A=", {"A="}},
        {"A= # none\nB=1 # one\nC=#fff\nD=a#b", {"A=", "B=1", "C=#fff", "D=a#b"}},
        {"A='as $it \\n is' # c", {"A=as $it \\n is"}},
        {R"(A="a\tb\"c\\d\$e\x")", {"A=a\tb\"c\\d$e\\x"}},
        {"A=\"two\nlines\"\nB=1", {"A=two\nlines", "B=1"}},
        {"A.b-c_1=x", {"A.b-c_1=x"}},
        {"A=x=y", {"A=x=y"}},
        {"A=1\nB", {"A=1"}, 2},
        {"=x", {}, 1},
        {"1A=x", {}, 1},
        {"A='x", {}, 1},
        {"A='x' y", {}, 1},
        {std::string("A=x\0y", 5), {}, 1},
        {"A=\"1\n2\"\nnonsense here", {"A=1\n2"}, 3},
    };
    for (const DotenvRow& row : rows) {
        std::vector<char> text(row.text.begin(), row.text.end());
        text.push_back('\0');
        exec::EnvironmentFile file(text.data(), row.text.size());
        std::vector<std::string> found;
        auto step = file.next();
        for (; step == exec::EnvironmentFile::Step::Assignment; step = file.next()) found.emplace_back(file.current());
        EXPECT_EQ(found, row.assignments) << row.text;
        EXPECT_EQ(step == exec::EnvironmentFile::Step::Malformed ? file.line() : 0, row.malformed_line) << row.text;
    }
}

TEST(ProcessTable, reads_stat_whatever_the_name_holds)
{
    const auto info = parse_stat("42 (a) S 1 2) R 7 8 9 0 -1 4194304 1 2 3 4 100 50 0 0 20 0 1 0 12345 9999 77 0\n");
    ASSERT_TRUE(info);
    EXPECT_EQ(info->pid, 42);
    EXPECT_EQ(info->parent, 7);
    EXPECT_EQ(info->group, 8);
    EXPECT_EQ(info->session, 9);
    EXPECT_EQ(info->state, 'R');
    EXPECT_EQ(info->cpu_ticks, 150U);
    EXPECT_EQ(info->start_time, 12345U);
    EXPECT_EQ(info->resident_pages, 77U);
    EXPECT_TRUE(parse_stat("42 (a) Z 7 8 9 0 -1 4194304 1 2 3 4 100 50 0 0 20 0 1 0 12345 9999 77 0\n")->ended());
    EXPECT_FALSE(parse_stat("42 (a) Z 7 8 9 0 -1 4194304 1 2 3 4 100 50 0 0 20 0 3 0 12345 9999 77 0\n")->ended()) << "two threads run";
    EXPECT_FALSE(parse_stat(""));
    EXPECT_FALSE(parse_stat("42 (x) R 7"));
}

TEST(Cgroups, are_found_where_they_are_mounted)
{
    const auto at = [](const char* mountinfo, const char* cgroup) {
        const auto own = find_own_cgroup(mountinfo, cgroup);
        return own ? own->path : std::string("none");
    };
    const char* plain = "41 31 0:31 / /sys/fs/cgroup rw shared:4 - cgroup2 cgroup2 rw\n";
    EXPECT_EQ(at(plain, "0::/\n"), "/sys/fs/cgroup");
    EXPECT_EQ(at(plain, "1:cpu:/x\n0::/a.slice/b\n"), "/sys/fs/cgroup/a.slice/b");
    EXPECT_EQ(at(plain, "1:cpu:/x\n"), "none");
    EXPECT_EQ(at(plain, "0::/../x\n"), "none");
    EXPECT_EQ(at("31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n", "0::/\n"), "none");
    const char* part = "41 31 0:31 /docker/1 /sys/fs/my\\040group rw - cgroup2 cgroup2 rw\n";
    EXPECT_EQ(at(part, "0::/docker/1/x\n"), "/sys/fs/my group/x");
    EXPECT_EQ(at(part, "0::/docker/12\n"), "none");
}

TEST(Cgroups, names_are_one_safe_component)
{
    EXPECT_EQ(escape_component("web-1.api"), "web-1.api");
    EXPECT_EQ(escape_component("../a b"), "\\x2e.\\x2fa\\x20b");
    EXPECT_LT(escape_component(std::string(1000, '/')).size(), 200U);
    EXPECT_NE(escape_component(std::string(100, '/') + "a"), escape_component(std::string(100, '/') + "b"));
}

TEST(PidFile, has_the_slot_before_the_extension)
{
    EXPECT_EQ(pid_file_path("/run/web.pid", 3, false), "/run/web.pid");
    EXPECT_EQ(pid_file_path("/run/web.pid", 3, true), "/run/web-3.pid");
    EXPECT_EQ(pid_file_path("/run.d/web", 0, true), "/run.d/web-0");
    EXPECT_EQ(pid_file_path("/run/.web", 1, true), "/run/.web-1");
}

TEST(LaunchQueue, CarriesOutABurstAndLinesUpTheRest)
{
    LaunchQueue queue;
    model::TimePoint now{std::chrono::seconds(1000)};
    const auto key = [](std::uint32_t id) { return engine::ProcessKey{base::InstanceId{id}, base::Generation{1}}; };
    std::uint32_t at_once = 0;
    while (queue.admit(key(at_once), now)) ++at_once;
    EXPECT_EQ(at_once, 128U);
    now += std::chrono::seconds(10);
    EXPECT_FALSE(queue.admit(key(500), now)) << "nobody overtakes those in line";
    EXPECT_EQ(queue.next(), key(128));
    EXPECT_EQ(queue.next(), key(500));
    EXPECT_TRUE(queue.empty());
    for (std::uint32_t i = 0; i < at_once; ++i) EXPECT_TRUE(queue.admit(key(i), now)) << "the burst is there again";
    EXPECT_FALSE(queue.admit(key(0), now));
    (void)queue.next();
    EXPECT_TRUE(queue.admit(key(0), now + std::chrono::milliseconds(4))); // one of 250 a second
}

TEST(ProcessTable, finds_descendants_whatever_their_numbers_are)
{
    pm::launch::ProcessTable table;
    for (const auto& [pid, parent] : {std::pair{10, 1}, {20, 10}, {5, 20}, {6, 5}, {7, 1}, {1, 0}}) table[pid] = {.pid = pid, .parent = parent};
    std::set<pid_t> found;
    for (const ProcessInfo& info : descendants_of(10, table)) found.insert(info.pid);
    EXPECT_EQ(found, (std::set<pid_t>{5, 6, 20}));
}

} // namespace
} // namespace pm::launch
