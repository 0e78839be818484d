// SPDX-License-Identifier: Apache-2.0
#include "daemon/options.hpp"

#include <array>
#include <fmt/format.h>
#include <getopt.h>

namespace pm::daemon {
namespace {

enum Code { kBus = 256, kLauncher, kConfig, kStateDir, kRuntimeDir, kPmExec, kLogLevel, kCheckConfig, kCheckUpgrade, kVersion, kHelp };

constexpr std::array kLongOptions{
    option{"bus", required_argument, nullptr, kBus},
    option{"launcher", required_argument, nullptr, kLauncher},
    option{"config", required_argument, nullptr, kConfig},
    option{"state-dir", required_argument, nullptr, kStateDir},
    option{"runtime-dir", required_argument, nullptr, kRuntimeDir},
    option{"pm-exec", required_argument, nullptr, kPmExec},
    option{"log-level", required_argument, nullptr, kLogLevel},
    option{"check-config", no_argument, nullptr, kCheckConfig},
    option{"check-upgrade", no_argument, nullptr, kCheckUpgrade},
    option{"version", no_argument, nullptr, kVersion},
    option{"help", no_argument, nullptr, kHelp},
    option{nullptr, 0, nullptr, 0},
};

base::Unexpected usage(std::string message)
{
    return base::fail(base::ErrorCode::InvalidArgument, std::move(message) + "; see 'pmd --help'");
}

base::Result<void> absolute(std::string_view name, const std::string& value)
{
    if (value.starts_with('/')) return {};
    return usage(fmt::format("option '--{}' needs an absolute path, not '{}'", name, value));
}

base::Result<void> apply(Options& options, int code, const std::string& value)
{
    switch (code) {
    case kBus:
        options.bus = config::bus_kind_from(value);
        if (!options.bus) return usage(fmt::format("option '--bus' is system, session or embedded, not '{}'", value));
        return {};
    case kLauncher:
        options.launcher = config::launcher_kind_from(value);
        if (!options.launcher) return usage(fmt::format("option '--launcher' is systemd or direct, not '{}'", value));
        return {};
    case kConfig: options.config_file = value; return absolute("config", value);
    case kStateDir: options.state_dir = value; return absolute("state-dir", value);
    case kRuntimeDir: options.runtime_dir = value; return absolute("runtime-dir", value);
    case kPmExec: options.pm_exec = value; return absolute("pm-exec", value);
    case kLogLevel:
        options.log_level = config::log_level_from(value);
        if (!options.log_level)
            return usage(fmt::format("option '--log-level' is error, warning, notice, info or debug, not '{}'", value));
        return {};
    case kCheckConfig: options.check_config = true; return {};
    case kCheckUpgrade: options.check_upgrade = true; return {};
    case kVersion: options.show_version = true; return {};
    case kHelp: options.show_help = true; return {};
    default: return usage("unknown option, or one without its value");
    }
}

} // namespace

base::Result<Options> parse_options(int argc, char** argv)
{
    Options options;
    opterr = 0;
    for (int code = 0; (code = getopt_long(argc, argv, ":", kLongOptions.data(), nullptr)) != -1;) {
        if (code == '?' || code == ':')
            return usage(fmt::format("unknown or incomplete option '{}'", argv[optind - 1]));
        if (auto good = apply(options, code, optarg != nullptr ? optarg : ""); !good)
            return tl::unexpected(good.error());
    }
    if (optind < argc) return usage(fmt::format("'{}' is no option", argv[optind]));
    return options;
}

std::string_view help_text() noexcept
{
    return R"(usage: pmd [OPTION]...
The pmd process manager daemon. People talk to it with pmctl(1), programs with D-Bus (org.pmd1(5)).

  --bus KIND          serve on the system, session or embedded (private) bus;
                      default: the setting, else system under systemd for root, else embedded
  --launcher KIND     have processes made by systemd, as transient units, or make them directly;
                      default: the setting, else systemd where it runs, on the system and the session bus
  --config FILE       read settings from FILE (default: /etc/pmd/pmd.yaml or ~/.config/pmd/pmd.yaml)
  --state-dir DIR     keep logs and state in DIR
  --runtime-dir DIR   keep the lock and the embedded bus in DIR
  --pm-exec FILE      the launch helper
  --log-level LEVEL   error, warning, notice, info or debug
  --check-config      read the settings, say what is wrong with them, and exit
  --version           print the version and exit
  --help              print this and exit

Signals: SIGTERM and SIGINT end pmd, and all apps with it unless they are units of systemd; SIGHUP reads the settings again.
See pmd(8).
)";
}

} // namespace pm::daemon
