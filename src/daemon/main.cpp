// SPDX-License-Identifier: Apache-2.0
#include "base/state_lock.hpp"
#include "base/text.hpp"
#include "daemon/daemon.hpp"
#include "daemon/options.hpp"
#include "daemon/runtime.hpp"
#include "daemon/trial.hpp"
#include "io/capabilities.hpp"
#include "pmd-config.h"

#include <cstdio>
#include <cstdlib>
#include <fmt/format.h>
#include <linux/capability.h>
#include <optional>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

namespace {

using namespace pm;

/// Never throws, as fmt::print does when stderr is full or closed.
void say(const std::string& message) noexcept { std::fprintf(stderr, "pmd: %s\n", message.c_str()); }

int complain(const base::Error& error)
{
    for (const std::string& line : base::split(error.message, '\n')) say(line);
    return base::exit_status(error.code);
}

/// Nothing: another pmd has the state directory, which was said. Where there can be no such lock, the one of the runtime directory must do.
std::optional<base::Fd> lock_state(const daemon::Runtime& runtime)
{
    if (runtime.earlier && runtime.earlier->state_lock >= 0) return base::Fd(runtime.earlier->state_lock);
    auto taken = base::take_state_lock({runtime.locations.state_dir, runtime.bus == config::BusKind::System});
    if (!taken) {
        say(taken.error().message + "; that two pmds have it at a time is not prevented");
        return base::Fd();
    }
    if (taken->socket) return std::move(taken->socket);
    say(fmt::format("already running (pid {}) with the state directory '{}': another one needs a PMD_STATE_DIR of its own, too", taken->holder, runtime.locations.state_dir));
    return std::nullopt;
}

int serve(daemon::Runtime runtime)
{
    const bool is_private = runtime.bus == config::BusKind::Embedded;
    if (auto made = daemon::prepare_directory(runtime.locations.runtime_dir, is_private); !made)
        return complain(made.error());
    if (auto made = daemon::prepare_directory(runtime.locations.state_dir, false); !made)
        return complain({made.error().code, made.error().message + "; PMD_STATE_DIR sets another one"});
    auto lock = runtime.earlier ? base::Fd(runtime.earlier->lock) : daemon::take_lock(runtime.locations.runtime_dir);
    if (!lock) return complain(lock.error());
    if (!*lock) {
        say("already running in '" + runtime.locations.runtime_dir + "'");
        return EXIT_SUCCESS; // whoever wanted a pmd has one
    }
    runtime.lock = lock->get();
    auto state_lock = lock_state(runtime);
    if (!state_lock) return EXIT_SUCCESS;
    runtime.state_lock = state_lock->get();
    // What it has is believed, and started.
    if (auto made = daemon::prepare_directory(daemon::kept_apps(runtime).directory, true); !made) return complain(made.error());
    runtime.nofile = runtime.earlier ? runtime.earlier->nofile : daemon::raise_descriptor_limit();
    // Raised again for single system calls: io/capabilities.hpp.
    if (const int error = io::lower_capability(CAP_SYS_PTRACE); error != 0) return complain(base::fail_errno("giving up CAP_SYS_PTRACE", error).value());
    io::Log log;
    return daemon::Daemon(std::move(runtime), log).run();
}

/// For the pmd that wants to execute this one in its place: daemon/trial.hpp.
int check_upgrade(daemon::Runtime runtime)
{
    const auto handover = daemon::look_at_handover();
    if (!handover) return complain(handover.error());
    if (!*handover) return complain({base::ErrorCode::InvalidArgument, "--check-upgrade is for another pmd, which passes what it has"});
    daemon::stay_where_it_is(runtime, **handover);
    if (const auto good = daemon::check_upgrade(**handover, runtime); !good) return complain(good.error());
    return fmt::print("{}\n", daemon::Trial::kGood), EXIT_SUCCESS;
}

} // namespace

int main(int argc, char** argv)
{
    umask(0022);
    try {
        auto options = daemon::parse_options(argc, argv);
        if (!options) return complain(options.error());
        if (options->show_help) return fmt::print("{}", daemon::help_text()), EXIT_SUCCESS;
        if (options->show_version) return fmt::print("pmd {}\n", PMD_VERSION), EXIT_SUCCESS;
        const daemon::Invocation invocation = daemon::find_invocation(argc, argv);
        auto runtime = daemon::find_runtime(*options);
        if (!runtime) return complain(runtime.error());
        if (options->check_config) return fmt::print("{}: good\n", runtime->config_file), EXIT_SUCCESS;
        if (options->check_upgrade) return check_upgrade(*std::move(runtime));
        runtime->invocation = invocation;
        auto earlier = daemon::take_handover();
        if (!earlier) return complain(earlier.error());
        if (*earlier) daemon::stay_where_it_is(*runtime, **earlier);
        if (*earlier) runtime->earlier = std::make_shared<daemon::Handover>(**std::move(earlier));
        return serve(std::move(*runtime));
    } catch (const std::exception& fault) {
        say(fault.what());
        return EXIT_FAILURE;
    }
}
