// SPDX-License-Identifier: Apache-2.0
// pm-exec: reads its orders from fd 0, becomes what they say, step by step, and executes the app.
//
// It is the same process before and after (the pid pmd knows), it holds nothing but the orders, and each step either
// works or is reported with its errno. Privileges go last-but-one: what needs root comes before the user changes,
// what must be judged with the app's own rights (its directory, its environment files, its program) after.
#include "launch/pm-exec/arena.hpp"
#include "launch/pm-exec/environment.hpp"
#include "launch/pm-exec/filter.hpp"
#include "launch/pm-exec/orders.hpp"
#include "launch/pm-exec/program.hpp"
#include "launch/pm-exec/report.hpp"
#include "launch/pm-exec/sys.hpp"
#include "launch/pm-exec/unit.hpp"

#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <sys/resource.h>

namespace pm::launch::exec {
namespace {

constexpr std::size_t kFirstRead = 64U << 10U;
alignas(16) char first_read[kFirstRead];

[[noreturn]] void bad_orders(int error) noexcept { give_up({LaunchStage::Wire, error}); }

/// Reads until `have` reaches `want`.
void fill(char* data, std::size_t& have, std::size_t want, std::size_t room, bool in_unit) noexcept
{
    while (have < want) {
        const long got = sys::call(SYS_read, 0, data + have, room - have);
        if (got == -EINTR) continue;
        if (got == 0) sys::leave(in_unit ? wire::kNobodyThere : 127); // pmd is gone: nobody wants this process
        if (got < 0) bad_orders(static_cast<int>(-got));
        have += static_cast<std::size_t>(got);
    }
}

/// `in_unit`: a transient unit's stdin brings the socket to read them from; see wire.hpp.
void read_orders(Orders& orders, bool& in_unit, Descriptors& sockets) noexcept
{
    char* data = first_read;
    std::size_t have = receive_first(data, kFirstRead, in_unit, sockets);
    fill(data, have, sizeof(wire::OrdersHeader), kFirstRead, in_unit);
    const auto header = *reinterpret_cast<const wire::OrdersHeader*>(data);
    if (!acceptable(header) || have > header.size) bad_orders(EBADMSG);
    if (header.size > kFirstRead) {
        data = take_array<char>(header.size);
        if (data == nullptr) bad_orders(ENOMEM);
        std::memcpy(data, first_read, have);
    }
    fill(data, have, header.size, header.size, in_unit);
    if (!decode(data, header.size, orders)) bad_orders(EBADMSG);
    if (orders.sockets.value != static_cast<std::int64_t>(sockets.count)) bad_orders(EBADMSG);
}

void check(long result, const Failure& failure) noexcept
{
    if (result >= 0) return;
    Failure told = failure;
    told.error = static_cast<int>(-result);
    give_up(told);
}

/// A session and a process group of its own. As a service's main process it may lead them already.
void lead_session() noexcept
{
    const long result = sys::call(SYS_setsid);
    if (result < 0 && sys::call(SYS_getsid) != sys::call(SYS_getpid)) check(result, {LaunchStage::Session});
}

void clean_signals() noexcept
{
    struct { // the kernel's own sigaction: handler, flags, restorer, mask
        unsigned long words[4];
    } fallback = {};
    for (int number = 1; number < 65; ++number) sys::call(SYS_rt_sigaction, number, &fallback, 0L, 8L);
    const std::uint64_t none = 0;
    sys::call(SYS_rt_sigprocmask, SIG_SETMASK, &none, 0L, sizeof none);
}

/// Leaves the app with fds 0, 1, 2 and its sockets, and us with the report fd behind them, which execve closes.
void connect_descriptors(const Orders& orders, const Descriptors& sockets) noexcept
{
    place_sockets(sockets);
    const int report_fd = kFirstSocket + static_cast<int>(sockets.count);
    check(sys::call(SYS_fcntl, 0, F_DUPFD_CLOEXEC, report_fd), {LaunchStage::Stdio});
    set_report_fd(report_fd);
    const long null = sys::call(SYS_openat, AT_FDCWD, "/dev/null", O_RDWR | O_CLOEXEC);
    check(null, {LaunchStage::Stdio, 0, "/dev/null"});
    check(sys::call(SYS_dup3, null, 0, 0), {LaunchStage::Stdio});
    if (orders.flags & wire::kFlagNullOut) check(sys::call(SYS_dup3, null, 1, 0), {LaunchStage::Stdio});
    if (orders.flags & wire::kFlagNullErr) check(sys::call(SYS_dup3, null, 2, 0), {LaunchStage::Stdio});
    sys::call(SYS_close, null);
}

/// `number` in decimal, in a buffer that lives until the next call.
const char* decimal(std::int64_t number) noexcept
{
    static char text[24];
    char* at = text + sizeof text - 1;
    const bool negative = number < 0;
    auto rest = negative ? 0 - static_cast<std::uint64_t>(number) : static_cast<std::uint64_t>(number);
    do *--at = static_cast<char>('0' + rest % 10);
    while ((rest /= 10) != 0);
    if (negative) *--at = '-';
    return at;
}

/// sd_listen_fds(3) takes the sockets only when LISTEN_PID is the process itself. pmd left room for it.
void tell_pid(const Orders& orders) noexcept
{
    constexpr char kName[] = "LISTEN_PID=";
    constexpr std::size_t kLength = sizeof kName - 1;
    const char* pid = decimal(sys::call(SYS_getpid));
    for (std::size_t i = 0; orders.sockets.given && i < orders.environment.count; ++i) {
        char* const variable = orders.environment.items[i];
        if (std::strlen(variable) + 1 < kLength + sizeof wire::kPidRoom || std::memcmp(variable, kName, kLength) != 0) continue;
        std::memcpy(variable + kLength, pid, std::strlen(pid) + 1);
    }
}

void set_oom_score(std::int64_t score) noexcept
{
    const char* text = decimal(score);
    const Failure failure{LaunchStage::OomScore, 0, text};
    const long fd = sys::call(SYS_openat, AT_FDCWD, "/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    check(fd, failure);
    check(sys::call(SYS_write, fd, text, std::strlen(text)), failure);
    sys::call(SYS_close, fd);
}

void set_limits(const Orders& orders) noexcept
{
    for (std::size_t i = 0; i < orders.limit_count; ++i) {
        const wire::LimitOrder& limit = *orders.limits[i];
        const std::uint64_t values[2] = {limit.soft, limit.hard};
        const int resource = static_cast<int>(limit.resource);
        check(sys::call(SYS_prlimit64, 0, resource, values),
              {LaunchStage::Limits, 0, nullptr, nullptr, wire::Form::Plain, resource});
    }
    if (orders.nice.given)
        check(sys::call(SYS_setpriority, PRIO_PROCESS, 0, orders.nice.value),
              {LaunchStage::Nice, 0, decimal(orders.nice.value)});
    if (orders.oom_score.given) set_oom_score(orders.oom_score.value);
}

void set_umask(const Orders& orders, bool in_unit) noexcept
{
    if (orders.umask.given || !in_unit) sys::call(SYS_umask, orders.umask.given ? orders.umask.value : 022);
}

void become_user(const Orders& orders) noexcept
{
    if (orders.set_groups)
        check(sys::call(SYS_setgroups, orders.group_count, orders.groups), {LaunchStage::Group});
    if (orders.gid.given) {
        const auto gid = static_cast<gid_t>(orders.gid.value);
        check(sys::call(SYS_setresgid, gid, gid, gid), {LaunchStage::Group, 0, decimal(orders.gid.value)});
    }
    if (orders.uid.given) {
        const auto uid = static_cast<uid_t>(orders.uid.value);
        check(sys::call(SYS_setresuid, uid, uid, uid), {LaunchStage::User, 0, decimal(orders.uid.value)});
    }
}

void enter_directory(const Orders& orders) noexcept
{
    if (orders.directory != nullptr)
        check(sys::call(SYS_chdir, orders.directory), {LaunchStage::WorkingDirectory, 0, orders.directory});
}

} // namespace
} // namespace pm::launch::exec

extern "C" [[noreturn]] void pm_exec_run(char** given) noexcept
{
    using namespace pm::launch::exec;
    static Orders orders;
    bool in_unit = false;
    static Descriptors sockets;
    read_orders(orders, in_unit, sockets);
    lead_session();
    connect_descriptors(orders, sockets);
    // While it is still root, who needs no promise to gain no rights for it; and before a limit of descriptors.
    if (orders.bind_filter.given) install_filter(orders.bind_filter.value);
    set_limits(orders);
    set_umask(orders, in_unit);
    become_user(orders);
    enter_directory(orders);
    tell_pid(orders);
    char** environment = make_environment(orders, in_unit ? given : nullptr);
    clean_signals();
    execute(orders, environment);
}
