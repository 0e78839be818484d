// SPDX-License-Identifier: Apache-2.0
// A real pmd on a private bus in a private directory, and a client of it. Everything waits on events: readiness on
// NOTIFY_SOCKET, ProcessEvent signals, ends of processes on pidfds. A wait that takes kPatience fails the test.
#pragma once

#include "base/fd.hpp"

#include "org.pmd1.App-proxy.hpp"
#include "org.pmd1.Manager-proxy.hpp"
#include "sdbus_versions.hpp"

#include <chrono>
#include <deque>
#include <functional>
#include <gtest/gtest.h>
#include <map>
#include <memory>
#include <string>
#include <sys/types.h>
#include <vector>

namespace pm::test {

inline constexpr std::chrono::seconds kPatience{30};

using Options = std::map<std::string, sdbus::Variant>;
using Row = sdbus::Struct<std::string, std::string, uint32_t, uint32_t, uint32_t, std::string, std::string, uint64_t,
                          uint64_t, uint32_t, double, uint64_t, std::string>;

/// A row of ListApps with names.
struct Instance {
    std::string app, name_space;
    uint32_t id, slot;
    pid_t pid;
    std::string status, reason;
    uint64_t uptime_usec, restarts;
    uint32_t unstable;
    double cpu_percent;
    uint64_t memory_bytes;
    std::string user;
};

struct Event {
    std::string event, app;
    uint32_t id;
    Options details;
    [[nodiscard]] std::string text(const std::string& key) const;
    [[nodiscard]] uint64_t number(const std::string& key) const;
    [[nodiscard]] pid_t pid() const;
};

/// A directory that is gone, with all in it, at the end.
class TempDir {
public:
    TempDir();
    ~TempDir();
    TempDir(const TempDir&) = delete;
    TempDir& operator=(const TempDir&) = delete;
    [[nodiscard]] const std::string& path() const { return path_; }
    /// Writes a file below the directory (with its parents) and returns its path.
    std::string write(const std::string& name, const std::string& text, mode_t mode = 0644) const;

private:
    std::string path_;
};

class Manager final : public sdbus::ProxyInterfaces<org::pmd1::Manager_proxy, sdbus::Properties_proxy> {
public:
    explicit Manager(sdbus::IConnection& connection);
    virtual ~Manager();
    using ProxyInterfaces::getProxy;
    std::deque<Event> events; ///< not yet looked at by wait_event()
    std::vector<std::string> added, removed;
    std::vector<std::pair<uint32_t, std::string>> messages;

private:
    void onPropertiesChanged(const dbus::InterfaceName&, const std::map<dbus::PropertyName, sdbus::Variant>&,
                             const std::vector<dbus::PropertyName>&) override
    {
    }
    void onAppAdded(const sdbus::ObjectPath& app) override { added.push_back(app); }
    void onAppRemoved(const sdbus::ObjectPath& app) override { removed.push_back(app); }
    void onMessage(const uint32_t& id, const std::string& json) override { messages.emplace_back(id, json); }
    void onProcessEvent(const std::string& event, const std::string& app, const uint32_t& id,
                        const std::map<std::string, sdbus::Variant>& details) override
    {
        events.push_back({event, app, id, details});
    }
};

class App final : public sdbus::ProxyInterfaces<org::pmd1::App_proxy, sdbus::Properties_proxy> {
public:
    App(sdbus::IConnection& connection, const std::string& path);
    virtual ~App();
    std::vector<std::vector<std::string>> changes; ///< names of changed and invalidated properties

private:
    void onPropertiesChanged(const dbus::InterfaceName& interface, const std::map<dbus::PropertyName, sdbus::Variant>& changed,
                             const std::vector<dbus::PropertyName>& invalidated) override;
};

class DaemonTest : public ::testing::Test {
protected:
    void SetUp() override { start_daemon(); }
    void TearDown() override;

    /// Whether the machine's systemd launches the apps (PMD_TEST_LAUNCHER); else pmd does.
    static bool on_systemd();
    /// Lines for a --config of one's own: output goes to files on both launchers, as OpenLog reads those.
    static std::string common_settings();
    /// A file of those with which the next pmd would go on, where pmd launches the apps itself.
    [[nodiscard]] std::string kept(const std::string& name) const;
    /// Starts pmd with more options and waits for READY=1; connects.
    void start_daemon(std::vector<std::string> options = {});
    void connect();
    /// Has pmd executed anew in its own place; returns when the new one serves.
    void upgrade();
    /// Sends the signal to pmd and waits for its end; returns its wait status.
    int end_daemon(int signal);
    /// Waits for pmd's end; returns its wait status.
    int wait_daemon();
    /// Handles bus messages until `done` returns true; fails the test after kPatience.
    bool process_for(std::chrono::milliseconds patience, const std::function<bool()>& done);
    bool process_until(const std::function<bool()>& done, const std::string& what);
    /// The same for what no message tells of: pmd answers a call between two looks.
    bool ask_until(const std::function<bool()>& done, const std::string& what);
    /// The next event that matches, dropping those before it.
    Event wait_event(const std::string& event, const std::string& app);
    Event wait_event(const std::function<bool(const Event&)>& matches, const std::string& what);

    std::vector<sdbus::ObjectPath> load(const std::string& yaml, Options options = {});
    /// The error a call ends with; name empty if it did not.
    static sdbus::Error error_of(const std::function<void()>& call);
    std::vector<Instance> list(const std::string& target = "all", bool usage = false);
    Instance only(const std::string& target);
    /// GetEnvironment, again while the process is just executing its program.
    std::map<std::string, std::string> environment(uint32_t id);
    /// A call that is answered later, with nothing but its end looked at.
    struct Pending {
        bool ended = false;
        std::string error_name, error_message;
    };
    std::shared_ptr<Pending> call_later(const std::string& method, const std::string& target);
    std::string read_file(const std::string& path) const;

    TempDir dir_;
    std::string bus_ = on_systemd() ? "system" : "embedded"; ///< "system": the one DBUS_SYSTEM_BUS_ADDRESS names
    pid_t pmd_ = 0;
    bool supervised_ = true; ///< somebody hears what pmd says to NOTIFY_SOCKET, as at its first start
    std::string address_;
    std::unique_ptr<sdbus::IConnection> connection_;
    std::unique_ptr<Manager> manager_;
    std::string stderr_path_;
};

/// SIGKILL; fails the test instead of reaching for a process group when there is no such process.
void kill_hard(pid_t pid);
/// Waits until `pid`, which need not be a child, is gone.
void wait_gone(pid_t pid);
[[nodiscard]] bool is_running(pid_t pid);
/// What `pid` has open, by descriptor.
[[nodiscard]] std::map<int, std::string> open_descriptors(pid_t pid);
/// Pids of direct children, zombies included.
[[nodiscard]] std::vector<pid_t> children_of(pid_t pid);
/// Reads lines from `fd` until one contains `part`; returns it. Fails the test after kPatience or at end of file.
std::string read_until(int fd, const std::string& part);
[[nodiscard]] std::string http_get(int port, const std::string& path);
/// A TCP port of the loopback interface that was free just now.
[[nodiscard]] int free_port();

} // namespace pm::test
