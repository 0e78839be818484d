// SPDX-License-Identifier: Apache-2.0
// Workers that the test plays itself: what real ones do seldom, or never.
#pragma once

#include "node_world.hpp"

#include <nlohmann/json.hpp>

#include <cerrno>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>

namespace pm::channel::test {

using nlohmann::json;

/// The program's end of a channel.
class Worker {
public:
    base::Fd fd;
    base::Fd got; ///< the open socket that came last

    void write(const std::string& text) const
    {
        EXPECT_EQ(::send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
    }
    void say(json message) const { write(message.dump() + "\n"); }
    void act(const char* act, json more = json::object()) const
    {
        more.update({{"cmd", "NODE_CLUSTER"}, {"act", act}});
        say(more);
    }
    void ask(std::uint16_t port, int seq, json more = json::object()) const
    {
        more.update({{"address", "127.0.0.1"}, {"port", port}, {"addressType", 4}, {"seq", seq}});
        act("queryServer", more);
    }
    /// Reads what there is; a line when one is complete.
    std::string read()
    {
        alignas(cmsghdr) char control[256];
        char buffer[4096];
        iovec piece{buffer, sizeof buffer};
        msghdr message{};
        message.msg_iov = &piece;
        message.msg_iovlen = 1;
        message.msg_control = control;
        message.msg_controllen = sizeof control;
        const ssize_t count = ::recvmsg(fd.get(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        if (count > 0) text_.append(buffer, static_cast<std::size_t>(count));
        if (count > 0)
            if (const cmsghdr* head = CMSG_FIRSTHDR(&message)) got = base::Fd(*reinterpret_cast<const int*>(CMSG_DATA(head)));
        const auto end = text_.find('\n');
        if (end == std::string::npos) return {};
        std::string line = text_.substr(0, end);
        text_.erase(0, end + 1);
        return line;
    }

private:
    std::string text_;
};

class FakeWorkers : public NodeWorld {
protected:
    void SetUp() override {}

    Worker join(std::uint32_t slot, const model::SharedIdentity& user = nullptr)
    {
        const ProcessKey key{base::InstanceId{slot}, base::Generation{++generations[slot]}};
        requests[key] = {key, base::Slot{slot}, std::make_shared<model::AppSpec>(spec), true};
        auto ends = channels->connect(requests[key], user);
        EXPECT_TRUE(ends);
        last = key;
        Worker worker;
        worker.fd = std::move(ends->messages);
        worker.act("online");
        return worker;
    }
    std::string line(Worker& worker)
    {
        std::string text;
        EXPECT_TRUE(until([&] { return !(text = worker.read()).empty(); })) << "nothing came";
        return text;
    }
    json hear(Worker& worker) { return json::parse(line(worker)); }
    /// What comes with an open socket, which is said to have arrived.
    json take(Worker& worker)
    {
        json message = hear(worker);
        EXPECT_EQ(message.value("cmd", ""), "NODE_HANDLE") << message;
        EXPECT_TRUE(worker.got);
        worker.say({{"cmd", "NODE_HANDLE_ACK"}});
        return message["msg"];
    }
    static ino_t inode(const base::Fd& fd)
    {
        struct stat status {};
        return ::fstat(fd.get(), &status) < 0 ? 0 : status.st_ino;
    }

    std::uint16_t port = free_port();
    ProcessKey last;
};

} // namespace pm::channel::test
