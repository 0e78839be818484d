// SPDX-License-Identifier: Apache-2.0
// Output that goes to the journal, with a listener in place of journald.
#include "logs/journal_stream.hpp"
#include "logs/log_store.hpp"
#include "scratch.hpp"

#include <cstring>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace pm::logs {
namespace {

/// A socket at `path` that takes connections as journald does.
class Listener {
public:
    explicit Listener(const std::string& path, int backlog = 16) : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0))
    {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::memcpy(address.sun_path, path.c_str(), path.size());
        EXPECT_EQ(bind(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0) << path;
        EXPECT_EQ(listen(fd_.get(), backlog), 0);
    }
    /// The next connection that waits.
    [[nodiscard]] base::Fd accept() const { return base::Fd(accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)); }

private:
    base::Fd fd_;
};

std::string received(const base::Fd& fd)
{
    std::string text(4096, '\0');
    const ssize_t got = ::read(fd.get(), text.data(), text.size());
    text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return text;
}

class JournalTest : public testing::Test {
protected:
    JournalTest()
    {
        options.directory = scratch / "logs";
        options.journal = true;
        options.journal_socket = scratch / "stdout";
        spec.name = "a-b";
        make_store();
    }
    void make_store()
    {
        store = std::make_unique<LogStore>(loop, options, [this](const std::string& text) { warnings.push_back(text); });
    }
    base::Result<engine::Stdio> start()
    {
        return store->open({{{10}, {3}}, {2}, std::make_shared<model::AppSpec>(spec), true}, nullptr);
    }

    Scratch scratch;
    io::EventLoop loop;
    LogOptions options;
    std::vector<std::string> warnings;
    model::AppSpec spec;
    std::unique_ptr<LogStore> store;
};

TEST_F(JournalTest, TheAppWritesToJournaldItself)
{
    const Listener journald(options.journal_socket);
    const auto stdio = start();
    ASSERT_TRUE(stdio) << stdio.error().message;
    const base::Fd out = journald.accept();
    const base::Fd err = journald.accept();
    // Identifier, unit, facility and level (daemon.info, user.notice), level prefixes are read, nothing is forwarded.
    EXPECT_EQ(received(out), "a-b\npm-a\\x2db-2.3.service\n30\n1\n0\n0\n0\n");
    EXPECT_EQ(received(err), "a-b\npm-a\\x2db-2.3.service\n13\n1\n0\n0\n0\n");
    ASSERT_EQ(::write(stdio->out.get(), "one\n", 4), 4);
    ASSERT_EQ(::write(stdio->err.get(), "two\n", 4), 4);
    EXPECT_EQ(received(out), "one\n");
    EXPECT_EQ(received(err), "two\n");
    EXPECT_EQ(store->open_streams(), 0u);
    EXPECT_FALSE(std::filesystem::exists(options.directory));
    EXPECT_TRUE(warnings.empty());
}

TEST_F(JournalTest, TheAppsEndsWaitDoNotLeakAndOnlyWrite)
{
    const Listener journald(options.journal_socket);
    const auto stdio = start();
    ASSERT_TRUE(stdio);
    for (const base::Fd* fd : {&stdio->out, &stdio->err}) {
        EXPECT_EQ(fcntl(fd->get(), F_GETFL) & O_NONBLOCK, 0);
        EXPECT_NE(fcntl(fd->get(), F_GETFD) & FD_CLOEXEC, 0);
        char byte = 0;
        EXPECT_EQ(::read(fd->get(), &byte, 1), 0); // shut down for reading: at its end
    }
}

TEST_F(JournalTest, WithoutJournaldFilesTakeItAndThatIsSaidOnce)
{
    for (int i = 0; i < 2; ++i) {
        const auto stdio = start();
        ASSERT_TRUE(stdio);
        ASSERT_EQ(::write(stdio->out.get(), "x\n", 2), 2);
    }
    EXPECT_EQ(store->open_streams(), 4u);
    ASSERT_TRUE(store->paths_of({10}));
    EXPECT_EQ(store->paths_of({10})->out.path, options.directory + "/a-b-2-out.log");
    ASSERT_EQ(warnings.size(), 1u);
    EXPECT_EQ(warnings[0], "connecting to the journal at '" + options.journal_socket +
                               "': No such file or directory; apps that are started now write to files");
    const Listener journald(options.journal_socket);
    ASSERT_TRUE(start());
    EXPECT_EQ(store->paths_of({10})->out.path, "");
    ASSERT_EQ(warnings.size(), 2u);
    EXPECT_NE(warnings[1].find("takes the output of apps again"), std::string::npos);
}

TEST_F(JournalTest, AFullQueueOfJournaldIsNotWaitedFor)
{
    const Listener journald(options.journal_socket, 0);
    std::vector<engine::Stdio> kept;
    while (warnings.empty()) { // a queue of 0 holds a few; were connecting to wait, this would never end
        auto stdio = start();
        ASSERT_TRUE(stdio);
        kept.push_back(std::move(*stdio));
        ASSERT_LT(kept.size(), 100u);
    }
    EXPECT_GT(store->open_streams(), 0u);
}

TEST_F(JournalTest, TheSpecDecides)
{
    struct Row {
        const char* what;
        void (*change)(model::LogSpec&);
        bool journal;
    };
    using model::LogTarget;
    for (const Row& row : {
             Row{"nothing", [](model::LogSpec&) {}, true},
             Row{"to: journal", [](model::LogSpec& logs) { logs.to = LogTarget::Journal; }, true},
             Row{"to: files", [](model::LogSpec& logs) { logs.to = LogTarget::Files; }, false},
             Row{"out_file", [](model::LogSpec& logs) { logs.out_file = "/x"; }, false},
             Row{"error_file", [](model::LogSpec& logs) { logs.error_file = "/x"; }, false},
             Row{"log_file", [](model::LogSpec& logs) { logs.log_file = "default"; }, false},
             Row{"merge_logs", [](model::LogSpec& logs) { logs.merge_logs = true; }, false},
             Row{"log_type", [](model::LogSpec& logs) { logs.type = model::LogType::Json; }, false},
             Row{"time", [](model::LogSpec& logs) { logs.date_format = "%F"; }, false},
             Row{"disable_logs", [](model::LogSpec& logs) { logs.disable_logs = true; }, false},
         }) {
        model::AppSpec changed;
        row.change(changed.logs);
        EXPECT_EQ(store->goes_to_journal(changed), row.journal) << row.what;
    }
    options.journal = false;
    store->set_options(options);
    EXPECT_FALSE(store->goes_to_journal({}));
}

TEST_F(JournalTest, AsForTheJournalWhereThereIsNoUnitTheLaunchFails)
{
    options.journal = false;
    make_store();
    spec.logs.to = model::LogTarget::Journal;
    const auto stdio = start();
    ASSERT_FALSE(stdio);
    EXPECT_EQ(stdio.error().message, "opening the logs of 'a-b': 'logs.to: journal' needs the systemd launcher");
}

TEST_F(JournalTest, KeepsNothingWhenLogsAreDisabled)
{
    const Listener journald(options.journal_socket);
    spec.logs.disable_logs = true;
    const auto stdio = start();
    ASSERT_TRUE(stdio);
    EXPECT_FALSE(stdio->out);
    EXPECT_FALSE(journald.accept());
}

} // namespace
} // namespace pm::logs
