// SPDX-License-Identifier: Apache-2.0
#include "base/text.hpp"
#include "daemon/daemon.hpp"
#include "daemon/options.hpp"
#include "daemon/runtime.hpp"
#include "pmd-config.h"

#include <cstdio>
#include <cstdlib>
#include <fmt/format.h>
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

int serve(daemon::Runtime runtime)
{
    const bool is_private = runtime.bus == config::BusKind::Embedded;
    if (auto made = daemon::prepare_directory(runtime.locations.runtime_dir, is_private); !made)
        return complain(made.error());
    if (auto made = daemon::prepare_directory(runtime.locations.state_dir, false); !made) return complain(made.error());
    auto lock = daemon::take_lock(runtime.locations.runtime_dir);
    if (!lock) return complain(lock.error());
    if (!*lock) {
        say("already running in '" + runtime.locations.runtime_dir + "'");
        return EXIT_SUCCESS; // whoever wanted a pmd has one
    }
    runtime.nofile = daemon::raise_descriptor_limit();
    io::Log log;
    return daemon::Daemon(std::move(runtime), log).run();
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
        auto runtime = daemon::find_runtime(*options);
        if (!runtime) return complain(runtime.error());
        if (options->check_config) return fmt::print("{}: good\n", runtime->config_file), EXIT_SUCCESS;
        return serve(std::move(*runtime));
    } catch (const std::exception& fault) {
        say(fault.what());
        return EXIT_FAILURE;
    }
}
