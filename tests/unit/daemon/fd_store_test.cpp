// SPDX-License-Identifier: Apache-2.0
// The service manager is told everything, in order, however slowly it reads.
#include "daemon/fd_store.hpp"

#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <gtest/gtest.h>
#include <optional>
#include <string>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <vector>

namespace pm::daemon {
namespace {

using namespace std::chrono_literals;

/// A manager's socket that reads when the test says so.
class FdStoreTest : public testing::Test {
protected:
    struct Heard {
        std::string text;
        ino_t inode = 0; ///< of what came with it; 0: nothing did
    };
    void SetUp() override
    {
        char directory[] = "/tmp/pmd-fd-store-XXXXXX";
        ASSERT_NE(::mkdtemp(directory), nullptr);
        directory_ = directory;
        const std::string path = directory_ + "/notify";
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::memcpy(address.sun_path, path.c_str(), path.size());
        manager_ = base::Fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        ASSERT_EQ(::bind(manager_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
        ::setenv("NOTIFY_SOCKET", path.c_str(), 1);
        store_.emplace(loop_, log_);
        ASSERT_EQ(::pipe2(pipe_, O_CLOEXEC), 0);
    }
    void TearDown() override
    {
        store_.reset();
        ::unsetenv("NOTIFY_SOCKET");
        for (const int fd : pipe_) ::close(fd);
        std::filesystem::remove_all(directory_);
    }
    static ino_t inode_of(int fd)
    {
        struct stat status {};
        return ::fstat(fd, &status) == 0 ? status.st_ino : 0;
    }
    /// What has come so far.
    void read_all(std::vector<Heard>& heard) const
    {
        for (;;) {
            char bytes[256];
            alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
            iovec piece{bytes, sizeof bytes};
            msghdr message{};
            message.msg_iov = &piece;
            message.msg_iovlen = 1;
            message.msg_control = control;
            message.msg_controllen = sizeof control;
            const ssize_t size = ::recvmsg(manager_.get(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
            if (size < 0) return;
            Heard& one = heard.emplace_back(Heard{std::string(bytes, static_cast<std::size_t>(size))});
            if (const cmsghdr* head = CMSG_FIRSTHDR(&message)) {
                int fd = -1;
                std::memcpy(&fd, CMSG_DATA(head), sizeof fd);
                one.inode = inode_of(fd);
                ::close(fd);
            }
        }
    }

    io::EventLoop loop_;
    io::Log log_;
    std::string directory_;
    base::Fd manager_;
    std::optional<FdStore> store_;
    int pipe_[2] = {-1, -1};
};

TEST_F(FdStoreTest, NothingIsLostWhenTheManagerIsSlow)
{
    constexpr std::size_t kNames = 800; // with their removals several times what its socket takes
    for (std::size_t i = 0; i < kNames; ++i) {
        base::Fd copy(::dup(pipe_[0]));
        store_->store("s" + std::to_string(i), copy.get()); // and closed here, as a deleted app's are
        store_->drop("s" + std::to_string(i));
    }
    EXPECT_GT(store_->queued(), kNames / 2);
    std::vector<Heard> heard;
    while (store_->queued() > 0) {
        read_all(heard);
        ASSERT_TRUE(loop_.run_once(10s));
    }
    read_all(heard);
    ASSERT_EQ(heard.size(), 2 * kNames);
    for (std::size_t i = 0; i < kNames; ++i) {
        ASSERT_EQ(heard[2 * i].text, "FDSTORE=1\nFDPOLL=0\nFDNAME=s" + std::to_string(i));
        ASSERT_EQ(heard[2 * i].inode, inode_of(pipe_[0]));
        ASSERT_EQ(heard[2 * i + 1].text, "FDSTOREREMOVE=1\nFDNAME=s" + std::to_string(i));
        ASSERT_EQ(heard[2 * i + 1].inode, 0U);
    }
}

} // namespace
} // namespace pm::daemon
