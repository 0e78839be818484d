// SPDX-License-Identifier: Apache-2.0
#include "fixture.hpp"

#include "base/uptime.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <netinet/in.h>
#include <poll.h>
#include <sstream>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

namespace pm::test {
namespace {

using Clock = std::chrono::steady_clock;

int remaining_msec(Clock::time_point deadline)
{
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    return left > 0 ? static_cast<int>(left) : 0;
}

/// The program under test, named by the build.
std::string tool(const char* variable)
{
    const char* path = std::getenv(variable);
    if (path == nullptr) throw std::runtime_error(std::string(variable) + " is not set; run this by meson test");
    return path;
}

std::string launcher()
{
    const char* name = std::getenv("PMD_TEST_LAUNCHER");
    return name == nullptr ? "direct" : name;
}

base::Fd open_pidfd(pid_t pid) { return base::Fd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0))); }

bool readable_within(int fd, int msec)
{
    pollfd poll_for{fd, POLLIN, 0};
    int count = 0;
    do
        count = poll(&poll_for, 1, msec);
    while (count < 0 && errno == EINTR);
    return count > 0;
}

/// An unnamed-by-others datagram socket, the receiving end of sd_notify(3).
base::Fd notify_socket(const std::string& path)
{
    base::Fd fd(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0)
        throw std::runtime_error("bind: " + path);
    return fd;
}

void wait_ready(int notify, pid_t pmd)
{
    const base::Fd pidfd = open_pidfd(pmd);
    const auto deadline = Clock::now() + kPatience;
    for (;;) {
        std::array<pollfd, 2> polls{pollfd{notify, POLLIN, 0}, pollfd{pidfd.get(), POLLIN, 0}};
        if (poll(polls.data(), polls.size(), remaining_msec(deadline)) == 0) throw std::runtime_error("pmd: no READY=1");
        std::array<char, 4096> text{};
        if (polls[0].revents != 0 && recv(notify, text.data(), text.size() - 1, 0) > 0 &&
            std::strstr(text.data(), "READY=1") != nullptr)
            return;
        if (polls[0].revents == 0 && polls[1].revents != 0) throw std::runtime_error("pmd ended before READY=1");
    }
}

} // namespace

std::string Event::text(const std::string& key) const
{
    const auto found = details.find(key);
    return found == details.end() ? "" : found->second.get<std::string>();
}

uint64_t Event::number(const std::string& key) const
{
    const auto found = details.find(key);
    if (found == details.end()) return 0;
    const std::string type = found->second.peekValueType();
    if (type == "t") return found->second.get<uint64_t>();
    if (type == "u") return found->second.get<uint32_t>();
    return static_cast<uint64_t>(found->second.get<int32_t>());
}

pid_t Event::pid() const { return static_cast<pid_t>(number("pid")); }

TempDir::TempDir()
{
    std::string pattern = "/tmp/pmd-test-XXXXXX";
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp");
    path_ = pattern;
}

TempDir::~TempDir()
{
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

std::string TempDir::write(const std::string& name, const std::string& text, mode_t mode) const
{
    const std::filesystem::path path = std::filesystem::path(path_) / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
    chmod(path.c_str(), mode);
    return path;
}

Manager::Manager(sdbus::IConnection& connection) : ProxyInterfaces(connection, dbus::BusName("org.pmd1"), sdbus::ObjectPath("/org/pmd1"))
{
    registerProxy();
}
Manager::~Manager() { unregisterProxy(); }

App::App(sdbus::IConnection& connection, const std::string& path) : ProxyInterfaces(connection, dbus::BusName("org.pmd1"), sdbus::ObjectPath(path))
{
    registerProxy();
}
App::~App() { unregisterProxy(); }

void App::onPropertiesChanged(const dbus::InterfaceName&, const std::map<dbus::PropertyName, sdbus::Variant>& changed,
                              const std::vector<dbus::PropertyName>& invalidated)
{
    std::vector<std::string> names(invalidated.begin(), invalidated.end());
    for (const auto& [name, value] : changed) names.push_back(name);
    changes.push_back(names);
}

bool DaemonTest::on_systemd() { return launcher() == "systemd"; }

std::string DaemonTest::common_settings() { return on_systemd() ? "logs: files\n" : ""; }

void DaemonTest::start_daemon(std::vector<std::string> options)
{
    const std::string socket_path = dir_.path() + "/notify";
    unlink(socket_path.c_str());
    const base::Fd notify = notify_socket(socket_path);
    stderr_path_ = dir_.path() + "/pmd.stderr";
    std::vector<std::string> words{tool("PMD_TEST_PMD"),
                                   "--bus",
                                   bus_,
                                   "--runtime-dir",
                                   dir_.path() + "/run",
                                   "--state-dir",
                                   dir_.path() + "/state",
                                   "--pm-exec",
                                   tool("PMD_TEST_PM_EXEC"),
                                   "--launcher",
                                   launcher()};
    if (on_systemd() && std::ranges::find(options, "--config") == options.end())
        words.insert(words.end(), {"--config", dir_.write("pmd.yaml", common_settings())});
    words.insert(words.end(), options.begin(), options.end());
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    pmd_ = fork();
    if (pmd_ == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        setenv("NOTIFY_SOCKET", socket_path.c_str(), 1);
        const int log = open(stderr_path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        dup2(log, STDERR_FILENO);
        execv(argv[0], argv.data());
        _exit(127);
    }
    wait_ready(notify.get(), pmd_);
    address_ = "unix:path=" + dir_.path() + "/run/bus";
    connect();
}

void DaemonTest::connect()
{
    manager_.reset();
    setenv("DBUS_SESSION_BUS_ADDRESS", address_.c_str(), 1);
    connection_ = bus_ == "system" ? sdbus::createSystemBusConnection() : sdbus::createSessionBusConnection();
    connection_->setMethodCallTimeout(std::chrono::seconds(60));
    manager_ = std::make_unique<Manager>(*connection_);
}

int DaemonTest::wait_daemon()
{
    const base::Fd pidfd = open_pidfd(pmd_);
    int status = -1;
    if (!readable_within(pidfd.get(), static_cast<int>(std::chrono::milliseconds(kPatience).count()))) {
        ADD_FAILURE() << "pmd did not end";
        kill(pmd_, SIGKILL);
    }
    waitpid(pmd_, &status, 0);
    pmd_ = 0;
    return status;
}

void DaemonTest::upgrade()
{
    const auto bus = dbus::make_proxy(*connection_, "org.freedesktop.DBus", "/org/freedesktop/DBus");
    bool back = false;
    bus->uponSignal("NameOwnerChanged")
        .onInterface("org.freedesktop.DBus")
        .call([&](const std::string& name, const std::string&, const std::string& owner) {
            if (name == "org.pmd1" && !owner.empty()) back = true;
        });
    dbus::finish(*bus);
    manager_->Upgrade({});
    supervised_ = false;
    process_until([&] { return back; }, "the new pmd");
    EXPECT_EQ(manager_->Pid(), static_cast<uint32_t>(pmd_));
}

int DaemonTest::end_daemon(int signal)
{
    kill(pmd_, signal);
    return wait_daemon();
}

void DaemonTest::TearDown()
{
    // A signal leaves the apps to systemd, and to the pmd that comes next; there is none.
    const bool by_exit = pmd_ > 0 && manager_ != nullptr && on_systemd();
    if (by_exit) {
        bool answered = false;
        manager_->getProxy().callMethodAsync("Exit").onInterface("org.pmd1.Manager").withArguments(Options{}).uponReplyInvoke(
            [&](dbus::ReplyError) { answered = true; });
        process_for(std::chrono::seconds(2), [&] { return answered; });
    }
    manager_.reset();
    connection_.reset();
    if (pmd_ > 0) {
        if (!by_exit) kill(pmd_, SIGTERM);
        const base::Fd pidfd = open_pidfd(pmd_);
        if (!readable_within(pidfd.get(), 2000)) kill(pmd_, SIGTERM); // told twice: kills what is left
        const int status = wait_daemon();
        EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == (by_exit && supervised_ ? 10 : 0)) << "pmd ended with wait status " << status;
    }
    const std::string log = read_file(stderr_path_);
    EXPECT_EQ(log.find("ERROR: AddressSanitizer"), std::string::npos) << log;
    EXPECT_EQ(log.find("runtime error:"), std::string::npos) << log;
    EXPECT_EQ(log.find("ERROR: LeakSanitizer"), std::string::npos) << log;
    EXPECT_EQ(log.find("internal error"), std::string::npos) << log;
    if (HasFailure()) std::fprintf(stderr, "--- pmd's log ---\n%s\n", log.c_str());
}

bool DaemonTest::process_until(const std::function<bool()>& done, const std::string& what)
{
    if (process_for(kPatience, done)) return true;
    ADD_FAILURE() << "waited in vain for " << what;
    return false;
}

bool DaemonTest::process_for(std::chrono::milliseconds patience, const std::function<bool()>& done)
{
    const auto deadline = Clock::now() + patience;
    for (;;) {
        while (dbus::process_one(*connection_)) {}
        if (done()) return true;
        const int left = remaining_msec(deadline);
        if (left == 0) return false;
        const auto data = connection_->getEventLoopPollData();
        const int own = data.getPollTimeout();
        pollfd poll_for{data.fd, data.events, 0};
        poll(&poll_for, 1, own < 0 ? left : std::min(own, left));
    }
}

Event DaemonTest::wait_event(const std::function<bool(const Event&)>& matches, const std::string& what)
{
    Event found;
    process_until(
        [&] {
            while (!manager_->events.empty()) {
                found = manager_->events.front();
                manager_->events.pop_front();
                if (matches(found)) return true;
            }
            return false;
        },
        what);
    return found;
}

bool DaemonTest::ask_until(const std::function<bool()>& done, const std::string& what)
{
    const auto deadline = Clock::now() + kPatience;
    while (!done()) {
        if (remaining_msec(deadline) == 0) {
            ADD_FAILURE() << "waited in vain for " << what;
            return false;
        }
        list();
    }
    return true;
}

Event DaemonTest::wait_event(const std::string& event, const std::string& app)
{
    return wait_event([&](const Event& one) { return one.event == event && one.app == app; }, event + " of " + app);
}

std::string DaemonTest::kept(const std::string& name) const
{
    return dir_.path() + "/state/running-" + base::to_string(base::uptime_identity()) + "/" + name;
}

std::vector<sdbus::ObjectPath> DaemonTest::load(const std::string& yaml, Options options)
{
    return manager_->Load(yaml, dir_.path() + "/app.yaml", options);
}

sdbus::Error DaemonTest::error_of(const std::function<void()>& call)
{
    try {
        call();
    } catch (const sdbus::Error& error) {
        return error;
    }
    return dbus::make_error("", "");
}

std::vector<Instance> DaemonTest::list(const std::string& target, bool usage)
{
    std::vector<Instance> instances;
    for (const Row& row : manager_->ListApps({{"target", sdbus::Variant(target)}, {"usage", sdbus::Variant(usage)}}))
        instances.push_back({std::get<0>(row), std::get<1>(row), std::get<2>(row), std::get<3>(row),
                             static_cast<pid_t>(std::get<4>(row)), std::get<5>(row), std::get<6>(row), std::get<7>(row),
                             std::get<8>(row), std::get<9>(row), std::get<10>(row), std::get<11>(row),
                             std::get<12>(row)});
    return instances;
}

Instance DaemonTest::only(const std::string& target)
{
    const auto all = list(target);
    EXPECT_EQ(all.size(), 1U) << target;
    return all.empty() ? Instance{} : all.front();
}

std::map<std::string, std::string> DaemonTest::environment(uint32_t id)
{
    std::map<std::string, std::string> found;
    process_until(
        [&] {
            const sdbus::Error error = error_of([&] { found = manager_->GetEnvironment(id); });
            EXPECT_TRUE(error.getName().empty() || error.getName() == "org.pmd1.Error.Busy") << error.getMessage();
            return error.getName() != "org.pmd1.Error.Busy";
        },
        "an environment");
    return found;
}

std::shared_ptr<DaemonTest::Pending> DaemonTest::call_later(const std::string& method, const std::string& target)
{
    auto pending = std::make_shared<Pending>();
    manager_->getProxy()
        .callMethodAsync(method)
        .onInterface("org.pmd1.Manager")
        .withTimeout(std::chrono::seconds(120))
        .withArguments(target, Options{})
        .uponReplyInvoke([pending](dbus::ReplyError error, std::vector<sdbus::ObjectPath>) {
            pending->ended = true;
            if (!error) return;
            pending->error_name = error->getName();
            pending->error_message = error->getMessage();
        });
    return pending;
}

std::string DaemonTest::read_file(const std::string& path) const
{
    std::ostringstream text;
    text << std::ifstream(path, std::ios::binary).rdbuf();
    return text.str();
}

void kill_hard(pid_t pid)
{
    ASSERT_GT(pid, 0);
    EXPECT_EQ(kill(pid, SIGKILL), 0) << std::strerror(errno);
}

void wait_gone(pid_t pid)
{
    const base::Fd pidfd = open_pidfd(pid);
    if (!pidfd) return;
    EXPECT_TRUE(readable_within(pidfd.get(), static_cast<int>(std::chrono::milliseconds(kPatience).count())))
        << "process " << pid << " still runs";
}

bool is_running(pid_t pid)
{
    std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
    std::string text;
    std::getline(stat, text);
    const auto name_end = text.rfind(')');
    return name_end != std::string::npos && text[name_end + 2] != 'Z';
}

std::map<int, std::string> open_descriptors(pid_t pid)
{
    std::map<int, std::string> open;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/fd")) {
        std::error_code gone;
        open[std::stoi(entry.path().filename())] = std::filesystem::read_symlink(entry.path(), gone);
    }
    return open;
}

std::vector<pid_t> children_of(pid_t pid)
{
    std::ifstream file("/proc/" + std::to_string(pid) + "/task/" + std::to_string(pid) + "/children");
    std::vector<pid_t> children;
    for (pid_t child = 0; file >> child;) children.push_back(child);
    return children;
}

std::string read_until(int fd, const std::string& part)
{
    const auto deadline = Clock::now() + kPatience;
    std::string text;
    while (readable_within(fd, remaining_msec(deadline))) {
        std::array<char, 4096> piece{};
        const ssize_t count = read(fd, piece.data(), piece.size());
        if (count <= 0) break;
        text.append(piece.data(), static_cast<std::size_t>(count));
        const auto found = text.find(part);
        if (found == std::string::npos || text.find('\n', found) == std::string::npos) continue;
        const auto start = text.rfind('\n', found);
        return text.substr(start == std::string::npos ? 0 : start + 1,
                           text.find('\n', found) - (start == std::string::npos ? 0 : start + 1));
    }
    ADD_FAILURE() << "'" << part << "' did not come; what came: " << text;
    return {};
}

int free_port()
{
    const base::Fd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), length);
    getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &length);
    return ntohs(address.sin_port);
}

std::string http_get(int port, const std::string& path)
{
    const base::Fd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0)
        return std::string("connect: ") + std::strerror(errno);
    const std::string request = "GET " + path + " HTTP/1.0\r\nHost: localhost\r\n\r\n";
    [[maybe_unused]] const ssize_t sent = send(fd.get(), request.data(), request.size(), MSG_NOSIGNAL);
    std::string answer;
    std::array<char, 4096> piece{};
    while (readable_within(fd.get(), static_cast<int>(std::chrono::milliseconds(kPatience).count()))) {
        const ssize_t count = read(fd.get(), piece.data(), piece.size());
        if (count <= 0) break;
        answer.append(piece.data(), static_cast<std::size_t>(count));
    }
    return answer;
}

} // namespace pm::test
