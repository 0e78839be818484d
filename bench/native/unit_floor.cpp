// SPDX-License-Identifier: Apache-2.0
// The floor where systemd makes the processes: what StartTransientUnit itself needs to start programs, and to start one again
// when it died.
//
// A bare loop of calls, each waiting for its reply; stdio on /dev/null; nothing is logged, watched, limited or reported.
// Usage: unit-floor COUNT PROGRAM BOARD     prints {"begin":ns,"end":ns}, then restarts whatever dies, until its
// standard input is closed.
#include "event_board.hpp"

#include <cinttypes>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <poll.h>
#include <stdexcept>
#include <string>
#include <sys/syscall.h>
#include <systemd/sd-bus.h>
#include <unistd.h>
#include <vector>

namespace {

constexpr const char* kService = "org.freedesktop.systemd1";
constexpr const char* kPath = "/org/freedesktop/systemd1";
constexpr const char* kManager = "org.freedesktop.systemd1.Manager";

int check(int result, const char* what) {
    if (result < 0) {
        throw std::runtime_error(std::string(what) + ": " + strerror(-result));
    }
    return result;
}

class Units {
public:
    Units(std::string program, std::string board) : program_(std::move(program)), board_(std::move(board)) {
        check(sd_bus_open_system(&bus_), "connecting");
    }
    ~Units() { sd_bus_flush_close_unref(bus_); }
    Units(const Units&) = delete;
    Units& operator=(const Units&) = delete;

    void start(std::size_t index) {
        if (units_.size() <= index) {
            units_.resize(index + 1);
        }
        Unit& unit = units_[index];
        unit.name = "unit-floor-" + std::to_string(index) + "-" + std::to_string(++unit.generation) + ".service";
        const std::string label = "app-" + std::to_string(index);
        sd_bus_message* call = nullptr;
        check(sd_bus_message_new_method_call(bus_, &call, kService, kPath, kManager, "StartTransientUnit"), "new call");
        check(sd_bus_message_append(call, "ssa(sv)a(sa(sv))", unit.name.c_str(), "fail", 5, //
                                    "Type", "s", "exec", "CollectMode", "s", "inactive-or-failed", //
                                    "StandardOutput", "s", "null", "StandardError", "s", "null", //
                                    "ExecStart", "a(sasb)", 1, program_.c_str(), 3, program_.c_str(), board_.c_str(), label.c_str(), 0, 0),
              "append");
        sd_bus_error error = SD_BUS_ERROR_NULL;
        const int called = sd_bus_call(bus_, call, 0, &error, nullptr);
        sd_bus_message_unref(call);
        check(called, error.message != nullptr ? error.message : "StartTransientUnit");
    }

    /// Waits for the end of each; asked once the programs run.
    void watch(std::size_t index) {
        Unit& unit = units_[index];
        char* path = nullptr;
        check(sd_bus_path_encode("/org/freedesktop/systemd1/unit", unit.name.c_str(), &path), "encode");
        std::uint32_t pid = 0;
        while (pid == 0) {
            check(sd_bus_get_property_trivial(bus_, kService, path, "org.freedesktop.systemd1.Service", "MainPID", nullptr, 'u', &pid), "MainPID");
        }
        free(path);
        if (unit.pidfd >= 0) {
            close(unit.pidfd);
        }
        unit.pid = static_cast<pid_t>(pid);
        unit.pidfd = static_cast<int>(syscall(SYS_pidfd_open, unit.pid, 0));
    }

    /// Until standard input is closed.
    void revive_what_dies() {
        for (;;) {
            std::vector<pollfd> polled{{.fd = 0, .events = POLLIN, .revents = 0}};
            for (const Unit& unit : units_) {
                polled.push_back({.fd = unit.pidfd, .events = POLLIN, .revents = 0});
            }
            if (poll(polled.data(), polled.size(), -1) < 0 || polled[0].revents != 0) {
                return;
            }
            std::vector<std::size_t> died;
            for (std::size_t index = 0; index < units_.size(); ++index) {
                if (polled[index + 1].revents != 0) {
                    died.push_back(index);
                }
            }
            for (const std::size_t index : died) {
                start(index);
            }
            for (const std::size_t index : died) {
                watch(index);
            }
        }
    }

    void end() const {
        for (const Unit& unit : units_) {
            ::kill(unit.pid, SIGKILL);
        }
    }

private:
    struct Unit {
        std::string name;
        int generation = 0;
        pid_t pid = 0;
        int pidfd = -1;
    };
    std::string program_;
    std::string board_;
    sd_bus* bus_ = nullptr;
    std::vector<Unit> units_;
};

int run(std::size_t count, const char* program, const char* board) {
    Units units(program, board);
    const std::uint64_t begin = pm::bench::now_ns();
    for (std::size_t index = 0; index < count; ++index) {
        units.start(index);
    }
    printf("{\"begin\":%" PRIu64 ",\"end\":%" PRIu64 "}\n", begin, pm::bench::now_ns());
    fflush(stdout);
    for (std::size_t index = 0; index < count; ++index) {
        units.watch(index);
    }
    units.revive_what_dies();
    units.end();
    return 0;
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 4) {
        fputs("usage: unit-floor COUNT PROGRAM BOARD\n", stderr);
        return 2;
    }
    try {
        return run(strtoul(argv[1], nullptr, 10), argv[2], argv[3]);
    } catch (const std::exception& error) {
        fprintf(stderr, "unit-floor: %s\n", error.what());
        return 1;
    }
}
