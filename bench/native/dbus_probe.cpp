// SPDX-License-Identifier: Apache-2.0
// Times pmd's D-Bus interface from inside one native client, so that no interpreter is in the figures.
//
// Usage: dbus-probe boot SOCKET PROGRAM ARG...   starts pmd, waits until it answers:  {"pid","exec","socket","name","api"}
//        dbus-probe list SOCKET COUNT            COUNT calls of ListApps:             {"rows","ns":[...]}
//        dbus-probe load SOCKET FILE             Load of an app file:                 {"begin","end"}
//        dbus-probe restart|stop|start SOCKET TARGET                                  {"begin","end"}
// Times are nanoseconds of CLOCK_MONOTONIC. SOCKET is the path of the bus's socket.
#include "event_board.hpp"

#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <memory>
#include <spawn.h>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <systemd/sd-bus.h>
#include <vector>

namespace {

using pm::bench::now_ns;

constexpr const char* kName = "org.pmd1";
constexpr const char* kPath = "/org/pmd1";
constexpr const char* kInterface = "org.pmd1.Manager";
constexpr std::uint64_t kBootLimitNs = 20'000'000'000u;
constexpr std::uint64_t kCallLimitUsec = 120'000'000u;
constexpr timespec kPoll{.tv_sec = 0, .tv_nsec = 250'000};

struct BusUnref {
    void operator()(sd_bus* bus) const { sd_bus_flush_close_unref(bus); }
};
struct MessageUnref {
    void operator()(sd_bus_message* message) const { sd_bus_message_unref(message); }
};
using Bus = std::unique_ptr<sd_bus, BusUnref>;
using Message = std::unique_ptr<sd_bus_message, MessageUnref>;

void check(int result, const char* what) {
    if (result < 0) {
        throw std::runtime_error(std::string(what) + ": " + strerror(-result));
    }
}

/// Nothing while the bus does not answer.
Bus try_connect(const std::string& socket) {
    sd_bus* raw = nullptr;
    check(sd_bus_new(&raw), "sd_bus_new");
    Bus bus(raw);
    check(sd_bus_set_address(raw, ("unix:path=" + socket).c_str()), "sd_bus_set_address");
    check(sd_bus_set_bus_client(raw, 1), "sd_bus_set_bus_client");
    if (sd_bus_start(raw) < 0) {
        return {};
    }
    const char* unique = nullptr;
    return sd_bus_get_unique_name(raw, &unique) < 0 ? Bus{} : std::move(bus);
}

Bus connect(const std::string& socket) {
    Bus bus = try_connect(socket);
    if (!bus) {
        throw std::runtime_error("no bus at " + socket);
    }
    return bus;
}

Message new_call(sd_bus* bus, const char* method) {
    sd_bus_message* raw = nullptr;
    check(sd_bus_message_new_method_call(bus, &raw, kName, kPath, kInterface, method), "new call");
    return Message(raw);
}

Message call(sd_bus* bus, sd_bus_message* request) {
    sd_bus_error error = SD_BUS_ERROR_NULL;
    sd_bus_message* reply = nullptr;
    if (sd_bus_call(bus, request, kCallLimitUsec, &error, &reply) < 0) {
        throw std::runtime_error(error.message != nullptr ? error.message : "call failed");
    }
    return Message(reply);
}

Message list_apps(sd_bus* bus) {
    const Message request = new_call(bus, "ListApps");
    check(sd_bus_message_append(request.get(), "a{sv}", 0), "append");
    return call(bus, request.get());
}

/// Reads every field, as a client that wants the list does.
std::size_t count_rows(sd_bus_message* reply) {
    check(sd_bus_message_enter_container(reply, 'a', "(ssuuussttudts)"), "rows");
    std::size_t rows = 0;
    for (;;) {
        const char *app = nullptr, *space = nullptr, *status = nullptr, *reason = nullptr, *user = nullptr;
        std::uint32_t id = 0, slot = 0, pid = 0, unstable = 0;
        std::uint64_t uptime = 0, restarts = 0, memory = 0;
        double cpu = 0;
        const int more = sd_bus_message_read(reply, "(ssuuussttudts)", &app, &space, &id, &slot, &pid, &status, &reason,
                                             &uptime, &restarts, &unstable, &cpu, &memory, &user);
        check(more, "row");
        if (more == 0) {
            return rows;
        }
        ++rows;
    }
}

pid_t spawn(char** arguments) {
    pid_t pid = 0;
    const int error = posix_spawn(&pid, arguments[0], nullptr, nullptr, arguments, environ);
    if (error != 0) {
        throw std::runtime_error(std::string(arguments[0]) + ": " + strerror(error));
    }
    return pid;
}

/// Polls until `attempt` says true.
template <typename Attempt> std::uint64_t wait_for(const char* what, std::uint64_t since, Attempt attempt) {
    while (!attempt()) {
        if (now_ns() - since > kBootLimitNs) {
            throw std::runtime_error(std::string("timed out waiting for ") + what);
        }
        nanosleep(&kPoll, nullptr);
    }
    return now_ns();
}

int boot(const std::string& socket, char** arguments) {
    const std::uint64_t begin = now_ns();
    const pid_t pid = spawn(arguments);
    Bus bus;
    const auto listening = wait_for("the bus", begin, [&] {
        bus = access(socket.c_str(), F_OK) == 0 ? try_connect(socket) : Bus{};
        return bus != nullptr;
    });
    const auto owned = wait_for("the name", begin, [&] {
        return sd_bus_get_name_creds(bus.get(), kName, 0, nullptr) >= 0;
    });
    list_apps(bus.get());
    printf("{\"pid\":%d,\"exec\":%" PRIu64 ",\"socket\":%" PRIu64 ",\"name\":%" PRIu64 ",\"api\":%" PRIu64 "}\n", pid,
           begin, listening, owned, now_ns());
    return 0;
}

int list(const std::string& socket, int count) {
    const Bus bus = connect(socket);
    std::size_t rows = count_rows(list_apps(bus.get()).get());
    std::string times;
    for (int i = 0; i < count; ++i) {
        const std::uint64_t begin = now_ns();
        rows = count_rows(list_apps(bus.get()).get());
        times.append(times.empty() ? "" : ",").append(std::to_string(now_ns() - begin));
    }
    printf("{\"rows\":%zu,\"ns\":[%s]}\n", rows, times.c_str());
    return 0;
}

int timed_call(sd_bus* bus, sd_bus_message* request) {
    const std::uint64_t begin = now_ns();
    call(bus, request);
    printf("{\"begin\":%" PRIu64 ",\"end\":%" PRIu64 "}\n", begin, now_ns());
    return 0;
}

int load(const std::string& socket, const char* path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    const Bus bus = connect(socket);
    const Message request = new_call(bus.get(), "Load");
    check(sd_bus_message_append(request.get(), "ssa{sv}", text.str().c_str(), path, 0), "append");
    return timed_call(bus.get(), request.get());
}

int operate(const char* method, const std::string& socket, const char* target) {
    const Bus bus = connect(socket);
    const Message request = new_call(bus.get(), method);
    check(sd_bus_message_append(request.get(), "sa{sv}", target, 0), "append");
    return timed_call(bus.get(), request.get());
}

int run(int argc, char** argv) {
    if (argc < 4) {
        fputs("usage: dbus-probe boot|list|load|restart|stop|start SOCKET ...\n", stderr);
        return 2;
    }
    const std::string_view verb = argv[1];
    if (verb == "boot") {
        return boot(argv[2], argv + 3);
    }
    if (verb == "list") {
        return list(argv[2], atoi(argv[3]));
    }
    if (verb == "load") {
        return load(argv[2], argv[3]);
    }
    const std::map<std::string_view, const char*> methods{{"restart", "Restart"}, {"stop", "Stop"}, {"start", "Start"}};
    return operate(methods.at(verb), argv[2], argv[3]);
}

} // namespace

int main(int argc, char** argv) {
    try {
        return run(argc, argv);
    } catch (const std::exception& error) {
        fprintf(stderr, "dbus-probe: %s\n", error.what());
        return 1;
    }
}
