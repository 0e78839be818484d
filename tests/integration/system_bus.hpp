// SPDX-License-Identifier: Apache-2.0
// A stand-in for the system bus: a private dbus-daemon with the rules of a system bus and our policy file, which all users
// of this machine reach; connections of other users; and a polkit that answers what the test says.
#pragma once

#include "fixture.hpp"
#include "org.freedesktop.PolicyKit1.Authority-adaptor.hpp"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <systemd/sd-bus.h>

namespace pm::test {

/// Users that every Debian has, with entries in /etc/passwd.
inline constexpr uid_t kAlice = 5;  // games
inline constexpr uid_t kBob = 33;   // www-data
inline constexpr const char* kAliceName = "games";
inline constexpr const char* kBobName = "www-data";

/// The test process is this user, as far as sockets and files are concerned, while it lives.
class ActAs {
public:
    explicit ActAs(uid_t uid);
    ~ActAs();
    ActAs(const ActAs&) = delete;
    ActAs& operator=(const ActAs&) = delete;
};

/// A user's connection to the bus and what they see of pmd.
struct User {
    explicit User(uid_t uid);
    /// Sets the flag of all calls that are made later.
    void allow_questions(bool allowed);
    [[nodiscard]] App& app(const std::string& name);
    /// The connection as sd-bus knows it.
    [[nodiscard]] sd_bus* bus() const;
    /// Returns when the bus has taken all that was written before.
    void reach_bus() const;

    std::unique_ptr<sdbus::IConnection> connection;
    std::unique_ptr<Manager> manager;
    std::map<std::string, std::unique_ptr<App>> apps;
};

/// org.freedesktop.PolicyKit1, served by a thread of its own.
class FakePolkit {
public:
    using Answer = sdbus::Struct<bool, bool, std::map<std::string, std::string>>;
    using Subject = sdbus::Struct<std::string, std::map<std::string, sdbus::Variant>>;
    enum class Mode { Yes, No, Password, Wait };
    struct Question {
        std::string caller, action, id;
        std::map<std::string, std::string> details;
        uint32_t flags = 0;
    };

    explicit FakePolkit(Mode mode);
    ~FakePolkit();
    void set(Mode mode);
    /// The next question that was not looked at; fails the test after kPatience.
    Question next();
    /// How many were not looked at.
    [[nodiscard]] std::size_t open();
    /// Answers all that wait.
    void answer(bool yes);

private:
    class Object final : public sdbus::AdaptorInterfaces<org::freedesktop::PolicyKit1::Authority_adaptor> {
    public:
        explicit Object(FakePolkit& polkit);
        ~Object();

    private:
        void CheckAuthorization(sdbus::Result<Answer>&& result, Subject subject, std::string action,
                                std::map<std::string, std::string> details, uint32_t flags, std::string id) override;

        FakePolkit& polkit_;
    };

    void check(sdbus::Result<Answer>&& result, const Subject& subject, const std::string& action,
               const std::map<std::string, std::string>& details, uint32_t flags, const std::string& id);

    std::mutex mutex_;
    std::condition_variable arrived_;
    Mode mode_;
    std::deque<Question> questions_;
    std::vector<sdbus::Result<Answer>> waiting_;
    std::unique_ptr<sdbus::IConnection> connection_;
    std::unique_ptr<Object> object_;
};

/// pmd on such a bus, as root; the connection of DaemonTest is root's.
class SystemBusTest : public DaemonTest {
protected:
    void SetUp() override;
    void TearDown() override;
    /// Why this test cannot have a bus of its own and is to be skipped; null when it can.
    static const char* why_no_bus();
    /// Starts the bus without pmd.
    void start_bus();

    std::unique_ptr<User> alice_, bob_;

private:
    pid_t dbus_ = 0;
};

} // namespace pm::test
