// SPDX-License-Identifier: Apache-2.0
// What journald gets of pmd's own messages, with a socket in its place.
#include "base/fd.hpp"
#include "io/message.hpp"

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <gtest/gtest.h>
#include <set>
#include <sys/socket.h>
#include <sys/un.h>

namespace pm::io {
namespace {

class LogTest : public testing::Test {
protected:
    LogTest()
    {
        std::string name = (std::filesystem::temp_directory_path() / "pm-log-XXXXXX").string();
        EXPECT_NE(mkdtemp(name.data()), nullptr);
        directory = name;
        path = name + "/socket";
    }
    ~LogTest() override { std::filesystem::remove_all(directory); }
    void listen()
    {
        journald = base::Fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::memcpy(address.sun_path, path.c_str(), path.size());
        ASSERT_EQ(bind(journald.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    }
    /// The next message; empty when there is none.
    std::string received() const
    {
        std::string text(64 << 10, '\0');
        const ssize_t got = recv(journald.get(), text.data(), text.size(), 0);
        text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
        return text;
    }

    std::string directory;
    std::string path;
    base::Fd journald;
};

TEST_F(LogTest, MessagesHaveFields)
{
    listen();
    Log log{JournalSocket(path)};
    const LogField field{"PM_APP", "web"};
    log.write(Severity::Warning, "something", {&field, 1});
    EXPECT_EQ(received(), "MESSAGE=something\nPRIORITY=4\nSYSLOG_IDENTIFIER=pmd\nPM_APP=web\n");
    log.write(Severity::Notice, "ready", Message::Serving);
    EXPECT_EQ(received(), "MESSAGE=ready\nPRIORITY=5\nSYSLOG_IDENTIFIER=pmd\nMESSAGE_ID=3ea911c9f97645cabba227fbea5f44e5\n");
    log.write(Severity::Debug, "not wanted");
    EXPECT_EQ(received(), "");
}

TEST_F(LogTest, ValuesWithLineEndsComeWithTheirLength)
{
    using namespace std::string_literals;
    const LogField field{"MESSAGE", "a\nb"};
    EXPECT_EQ(journal_datagram({&field, 1}), "MESSAGE\n\x03\0\0\0\0\0\0\0a\nb\n"s);
    const LogField huge{"MESSAGE", std::string(1 << 20, 'x')};
    EXPECT_EQ(journal_datagram({&huge, 1}).size(), sizeof "MESSAGE=" + (16u << 10));
}

TEST_F(LogTest, NobodyIsWaitedForAndWhatIsLostIsTold)
{
    Log log{JournalSocket(path)};
    log.notice("nobody is there");
    listen();
    log.notice("here you are");
    EXPECT_NE(received().find("MESSAGE=1 messages were lost: journald did not take them\n"), std::string::npos);
    EXPECT_NE(received().find("MESSAGE=here you are\n"), std::string::npos);
    // Were a full queue waited for, this would never end.
    for (int i = 0; i < 10'000; ++i) log.notice("flood");
    while (received().find("flood") != std::string::npos) {
    }
    log.notice("last");
    const std::string told = received();
    EXPECT_NE(told.find(" messages were lost: journald did not take them"), std::string::npos) << told;
    EXPECT_NE(received().find("MESSAGE=last\n"), std::string::npos);
}

TEST(Messages, EachHasAnIdOfItsOwn)
{
    std::set<std::string_view> ids;
    for (int i = 0; i <= static_cast<int>(Message::OutputTrouble); ++i) {
        const auto id = message_id(static_cast<Message>(i));
        EXPECT_EQ(id.size(), 32u) << i;
        EXPECT_EQ(id.find_first_not_of("0123456789abcdef"), std::string_view::npos) << id;
        EXPECT_TRUE(ids.insert(id).second) << id;
    }
    EXPECT_TRUE(message_id(static_cast<Message>(static_cast<int>(Message::OutputTrouble) + 1)).empty()) << "the enum has grown";
    std::set<Message> of_events;
    for (int i = 0; i <= static_cast<int>(engine::EventKind::Signal); ++i)
        of_events.insert(message_of(static_cast<engine::EventKind>(i)));
    EXPECT_EQ(of_events.size(), static_cast<std::size_t>(engine::EventKind::Signal) + 1);
}

std::string text_of(const engine::ProcessEvent& event, const std::string& name_space = "shop")
{
    return journal_datagram(event_fields(event, name_space));
}

TEST(Messages, EventsTellWhoAndHow)
{
    engine::ProcessEvent event{.kind = engine::EventKind::Exit, .app = "web", .id = {7}, .slot = {1}, .generation = {3}};
    using Kind = model::ExitInfo::Kind;
    event.exit = model::ExitInfo{.kind = Kind::Exited, .code = 2};
    EXPECT_EQ(text_of(event), "MESSAGE_ID=bed217e04897495ba4129fa3a355ccc1\nPM_APP=web\nPM_INSTANCE=1\nPM_ID=7\nPM_GENERATION=3\n"
                              "PM_EVENT=exit\nPM_NAMESPACE=shop\nEXIT_CODE=exited\nEXIT_STATUS=2\n");
    const auto ends = [&](const std::string& with) { return text_of(event).ends_with(with); };
    event.exit = model::ExitInfo{.kind = Kind::Signaled, .code = 9};
    EXPECT_TRUE(ends("EXIT_CODE=killed\nEXIT_STATUS=9\n"));
    event.exit = model::ExitInfo{.kind = Kind::Signaled, .code = 11, .core_dumped = true};
    EXPECT_TRUE(ends("EXIT_CODE=dumped\nEXIT_STATUS=11\n"));
    event.exit = model::ExitInfo{.kind = Kind::LaunchFailed, .code = 2, .stage = model::LaunchStage::FindProgram};
    EXPECT_TRUE(ends("PM_STAGE=find-program\nERRNO=2\n"));
    event.exit = model::ExitInfo{};
    EXPECT_TRUE(ends("PM_NAMESPACE=shop\n"));
    EXPECT_EQ(text_of(event, "").find("PM_NAMESPACE"), std::string::npos);
}

} // namespace
} // namespace pm::io
