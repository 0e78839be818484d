// SPDX-License-Identifier: Apache-2.0
#include "system_bus.hpp"

#include <array>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

namespace pm::test {
namespace {

constexpr const char* kPolkit = "org.freedesktop.PolicyKit1";

/// As /usr/share/dbus-1/system.conf: nobody may call or own anything unless a policy says so.
std::string configuration(const std::string& address, const std::string& policy)
{
    return R"(<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>)" + address + R"(</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <deny own="*"/>
    <deny send_type="method_call"/>
    <allow send_type="signal"/>
    <allow send_requested_reply="true" send_type="method_return"/>
    <allow send_requested_reply="true" send_type="error"/>
    <allow receive_type="method_call"/>
    <allow receive_type="method_return"/>
    <allow receive_type="error"/>
    <allow receive_type="signal"/>
    <allow send_destination="org.freedesktop.DBus"/>
    <allow send_destination="org.freedesktop.PolicyKit1"/>
  </policy>
  <policy user="root"><allow own="org.freedesktop.PolicyKit1"/></policy>
  <include>)" + policy + R"(</include>
</busconfig>
)";
}

/// Starts a dbus-daemon and waits until it listens.
pid_t start_dbus(const std::string& config)
{
    std::array<int, 2> ready{};
    if (pipe(ready.data()) < 0) throw std::runtime_error("pipe");
    const pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(ready[0]);
        const std::string file = "--config-file=" + config;
        const std::string print = "--print-address=" + std::to_string(ready[1]);
        execlp("dbus-daemon", "dbus-daemon", file.c_str(), "--nofork", "--nopidfile", "--nosyslog", print.c_str(),
               static_cast<char*>(nullptr));
        _exit(127);
    }
    close(ready[1]);
    std::array<char, 256> address{};
    if (read(ready[0], address.data(), address.size()) <= 0) throw std::runtime_error("dbus-daemon did not start");
    close(ready[0]);
    return pid;
}

} // namespace

ActAs::ActAs(uid_t uid)
{
    const passwd* entry = getpwuid(uid);
    const gid_t gid = entry != nullptr ? entry->pw_gid : uid;
    if (setgroups(1, &gid) < 0 || setegid(gid) < 0 || seteuid(uid) < 0) throw std::runtime_error("changing the user");
}

ActAs::~ActAs()
{
    const gid_t root = 0;
    if (seteuid(0) < 0 || setegid(0) < 0 || setgroups(1, &root) < 0) std::abort();
}

User::User(uid_t uid)
{
    const ActAs acting(uid);
    connection = sdbus::createSystemBusConnection();
    connection->setMethodCallTimeout(kPatience);
    manager = std::make_unique<Manager>(*connection);
}

void User::allow_questions(bool allowed)
{
    sd_bus_set_allow_interactive_authorization(dbus::bus_of(manager->getProxy()), allowed ? 1 : 0);
}

sd_bus* User::bus() const { return dbus::bus_of(manager->getProxy()); }

void User::reach_bus() const
{
    std::string id;
    dbus::make_proxy(*connection, "org.freedesktop.DBus", "/org/freedesktop/DBus")->callMethod("GetId").onInterface("org.freedesktop.DBus").storeResultsTo(id);
}

App& User::app(const std::string& name)
{
    auto& app = apps[name];
    if (!app) app = std::make_unique<App>(*connection, "/org/pmd1/app/" + name);
    return *app;
}

FakePolkit::Object::Object(FakePolkit& polkit)
    : AdaptorInterfaces(*polkit.connection_, sdbus::ObjectPath("/org/freedesktop/PolicyKit1/Authority")), polkit_(polkit)
{
    registerAdaptor();
}

FakePolkit::Object::~Object() { unregisterAdaptor(); }

void FakePolkit::Object::CheckAuthorization(sdbus::Result<Answer>&& result, Subject subject, std::string action,
                                            std::map<std::string, std::string> details, uint32_t flags, std::string id)
{
    polkit_.check(std::move(result), subject, action, details, flags, id);
}

FakePolkit::FakePolkit(Mode mode)
    : mode_(mode), connection_(sdbus::createSystemBusConnection(dbus::BusName(kPolkit))), object_(std::make_unique<Object>(*this))
{
    connection_->enterEventLoopAsync();
}

FakePolkit::~FakePolkit()
{
    connection_->leaveEventLoop();
    waiting_.clear();
    object_.reset();
}

void FakePolkit::set(Mode mode)
{
    const std::lock_guard lock(mutex_);
    mode_ = mode;
}

void FakePolkit::check(sdbus::Result<Answer>&& result, const Subject& subject, const std::string& action,
                       const std::map<std::string, std::string>& details, uint32_t flags, const std::string& id)
{
    const std::lock_guard lock(mutex_);
    questions_.push_back({subject.get<1>().at("name").get<std::string>(), action, id, details, flags});
    if (mode_ == Mode::Wait)
        waiting_.push_back(std::move(result));
    else
        result.returnResults(Answer{mode_ == Mode::Yes, mode_ == Mode::Password, {}});
    arrived_.notify_all();
}

FakePolkit::Question FakePolkit::next()
{
    std::unique_lock lock(mutex_);
    if (!arrived_.wait_for(lock, kPatience, [&] { return !questions_.empty(); })) {
        ADD_FAILURE() << "polkit was not asked";
        return {};
    }
    Question question = questions_.front();
    questions_.pop_front();
    return question;
}

std::size_t FakePolkit::open()
{
    const std::lock_guard lock(mutex_);
    return questions_.size();
}

void FakePolkit::answer(bool yes)
{
    const std::lock_guard lock(mutex_);
    for (auto& result : waiting_) result.returnResults(Answer{yes, false, {}});
    waiting_.clear();
}

const char* SystemBusTest::why_no_bus()
{
    if (on_systemd()) return "needs a system bus of its own";
    if (geteuid() != 0) return "needs root: connections of several users are made";
    return nullptr;
}

void SystemBusTest::start_bus()
{
    chmod(dir_.path().c_str(), 0711); // other users have to reach the socket
    const std::string socket = dir_.path() + "/system_bus_socket";
    const std::string address = "unix:path=" + socket;
    const char* policy = std::getenv("PMD_TEST_BUS_POLICY");
    dbus_ = start_dbus(dir_.write("system.conf", configuration(address, policy != nullptr ? policy : "")));
    chmod(socket.c_str(), 0666);
    setenv("DBUS_SYSTEM_BUS_ADDRESS", address.c_str(), 1);
    bus_ = "system";
}

void SystemBusTest::SetUp()
{
    if (const char* why = why_no_bus()) GTEST_SKIP() << why;
    start_bus();
    start_daemon();
    alice_ = std::make_unique<User>(kAlice);
    bob_ = std::make_unique<User>(kBob);
}

void SystemBusTest::TearDown()
{
    alice_.reset();
    bob_.reset();
    if (dbus_ == 0) return;
    DaemonTest::TearDown();
    kill(dbus_, SIGKILL);
    waitpid(dbus_, nullptr, 0);
}

} // namespace pm::test
