// SPDX-License-Identifier: Apache-2.0
// Held sockets with real ones beneath, a directory for their paths, and a depot that is a map.
#pragma once

#include "channel/held_sockets.hpp"
#include "channel/socket_address.hpp"

#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <memory>
#include <netinet/in.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

namespace pm::channel::test {

using model::ListenAddress;
using model::SocketType;
using Kind = ListenAddress::Kind;

struct FakeDepot final : SocketDepot {
    std::map<std::string, base::Fd> kept;
    std::map<std::string, base::Fd> closing; ///< discarded, and not closed before settle()
    int settled = 0;
    void store(const std::string& name, int fd) override
    {
        kept.insert_or_assign(name, base::Fd(::fcntl(fd, F_DUPFD_CLOEXEC, 3)));
    }
    void discard(const std::string& name) override
    {
        if (const auto found = kept.extract(name)) closing.insert_or_assign(name, std::move(found.mapped()));
    }
    base::Fd recover(const std::string& name) override
    {
        const auto found = kept.find(name);
        return found == kept.end() ? base::Fd() : base::Fd(::fcntl(found->second.get(), F_DUPFD_CLOEXEC, 3));
    }
    void settle() override
    {
        ++settled;
        closing.clear();
    }
};

class SocketsWorld : public ::testing::Test {
protected:
    SocketsWorld()
    {
        std::string pattern = (std::filesystem::temp_directory_path() / "pm-channel-XXXXXX").string();
        directory = ::mkdtemp(pattern.data());
    }
    ~SocketsWorld() override { std::filesystem::remove_all(directory); }

    std::unique_ptr<HeldSockets> make()
    {
        auto made = std::make_unique<HeldSockets>(
            [](const std::string& user, const std::string& group) -> base::Result<AccountIds> {
                if (user == "nobody" || user == "65534") return AccountIds{65534, 65534, {65534}};
                if (user.empty() && group == "daemon") return AccountIds{std::nullopt, 1, {}};
                return base::fail(base::ErrorCode::InvalidSpec, "user '" + user + "' does not exist");
            },
            [this](const std::string& text) { warnings.push_back(text); });
        made->set_depot(depot);
        return made;
    }
    static model::AppSpec app(std::vector<ListenAddress> addresses, std::string name = "web")
    {
        model::AppSpec spec;
        spec.name = std::move(name);
        spec.listen = std::move(addresses);
        return spec;
    }
    ListenAddress path(const std::string& name, SocketType type = SocketType::Stream) const
    {
        return {.kind = Kind::Path, .type = type, .host = directory + "/" + name, .name = "x"};
    }
    /// Of a port that was free just now.
    static ListenAddress loopback(SocketType type = SocketType::Stream)
    {
        ListenAddress address{.kind = Kind::Ip4, .type = type, .host = "127.0.0.1", .port = 1, .name = "x"};
        const base::Fd probe(::socket(AF_INET, to_kernel(type) | SOCK_CLOEXEC, 0));
        sockaddr_in any{};
        any.sin_family = AF_INET;
        any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        EXPECT_EQ(::bind(probe.get(), reinterpret_cast<sockaddr*>(&any), sizeof any), 0);
        socklen_t size = sizeof any;
        EXPECT_EQ(::getsockname(probe.get(), reinterpret_cast<sockaddr*>(&any), &size), 0);
        address.port = ntohs(any.sin_port);
        return address;
    }
    /// 0 or errno; the connection stays open in `client`.
    int connect(const ListenAddress& address)
    {
        const SocketAddress place = to_kernel(address);
        client = base::Fd(::socket(place.family(), to_kernel(address.type) | SOCK_CLOEXEC, 0));
        return ::connect(client.get(), place.get(), place.size) < 0 ? errno : 0;
    }
    std::vector<int> descriptors(const model::AppSpec& spec, uid_t owner = 0)
    {
        const auto fds = held->descriptors({.spec = std::make_shared<model::AppSpec>(spec), .owner = owner});
        EXPECT_TRUE(fds) << (fds ? "" : fds.error().message);
        return fds.value_or(std::vector<int>());
    }
    std::string fault(const model::AppSpec& spec, uid_t owner = 0)
    {
        const auto result = held->hold(spec, owner);
        if (result) return "";
        EXPECT_EQ(result.error().code, base::ErrorCode::ListenFailed);
        return result.error().message;
    }
    static ino_t inode(int fd)
    {
        struct stat status {};
        return ::fstat(fd, &status) < 0 ? 0 : status.st_ino;
    }
    static int option(int fd, int level, int name)
    {
        int value = -1;
        socklen_t size = sizeof value;
        ::getsockopt(fd, level, name, &value, &size);
        return value;
    }
    static struct stat look(const ListenAddress& address)
    {
        struct stat status {};
        EXPECT_EQ(::lstat(address.host.c_str(), &status), 0) << address.host;
        return status;
    }

    std::string directory;
    FakeDepot depot;
    std::vector<std::string> warnings;
    std::unique_ptr<HeldSockets> held = make();
    base::Fd client;
};

} // namespace pm::channel::test
