// SPDX-License-Identifier: Apache-2.0
#include "config/sandbox_keys.hpp"

#include "base/text.hpp"
#include "config/sandbox_readers.hpp"

#include <algorithm>
#include <limits>

namespace pm::config {
namespace {

using namespace sandbox;

/// A key that has one value: no list.
template <SandboxProperties (*Read)(const SandboxKey&, std::string_view)>
SandboxProperties one(const SandboxKey& key, const std::vector<std::string>& lines)
{
    if (lines.size() != 1) return tl::unexpected(SandboxFault{1, "one value"});
    return Read(key, base::trim(lines.front()));
}

constexpr std::nullptr_t kRefused = nullptr;
constexpr std::int64_t kUnsigned = std::numeric_limits<std::uint32_t>::max();
constexpr std::string_view kSchedulers = "other=0 batch=3 idle=5 fifo=1 rr=2";
constexpr std::string_view kIoClasses = "none=0 realtime=1 best-effort=2 idle=3";
constexpr std::string_view kNumaPolicies = "default=0 preferred=1 bind=2 interleave=3 local=4";
constexpr std::string_view kLevels = "emerg=0 alert=1 crit=2 err=3 warning=4 notice=5 info=6 debug=7";
constexpr std::string_view kFacilities =
    "kern=0 user=1 mail=2 daemon=3 auth=4 syslog=5 lpr=6 news=7 uucp=8 cron=9 authpriv=10 ftp=11 local0=16 local1=17 local2=18 "
    "local3=19 local4=20 local5=21 local6=22 local7=23";
constexpr std::string_view kPropagations = "shared=1048576 slave=524288 private=262144";
constexpr std::string_view kSecureBits =
    "noroot=1 noroot-locked=2 no-setuid-fixup=4 no-setuid-fixup-locked=8 keep-caps=16 keep-caps-locked=32";
constexpr std::string_view kCoreParts =
    "private-anonymous=1 shared-anonymous=2 private-file-backed=4 shared-file-backed=8 elf-headers=16 private-huge=32 "
    "shared-huge=64 private-dax=128 shared-dax=256 default=51 all=18446744073709551615";

// What pmd says in other words, or has no use for.
constexpr std::string_view kProgram = "use 'script' and 'args'";
constexpr std::string_view kEnv = "use 'env'";
constexpr std::string_view kOutput = "use 'out_file', 'error_file' and 'log_file'";
constexpr std::string_view kTerminal = "apps have no terminal";
constexpr std::string_view kRestart = "use 'autorestart', 'restart_delay', 'max_restarts' and 'stop_exit_codes'";
constexpr std::string_view kStop = "use 'kill_signal', 'kill_timeout' and 'kill_mode'";
constexpr std::string_view kOrder = "use 'depends_on'";
constexpr std::string_view kOneUnit = "each process of an app has a unit of its own";
constexpr std::string_view kReady = "use 'ready'";
constexpr std::string_view kImages = "use 'BindPaths' of a mounted image";

constexpr SandboxKey kRows[] = {
    {"After", kRefused, kOrder},
    {"AllowedCPUs", bits},
    {"AllowedMemoryNodes", bits},
    {"AmbientCapabilities", capabilities},
    {"AppArmorProfile", one<lenient>},
    {"BPFProgram", programs},
    {"Before", kRefused, kOrder},
    {"BindLogSockets", one<boolean>},
    {"BindPaths", binds},
    {"BindReadOnlyPaths", binds},
    {"BindsTo", kRefused, kOrder},
    {"BusName", kRefused, kReady},
    {"CPUAccounting", one<boolean>},
    {"CPUAffinity", affinity},
    {"CPUQuota", one<quota>, "", "CPUQuotaPerSecUSec", 0, 0, "limits.cpu"},
    {"CPUQuotaPeriodSec", one<span>, "", "CPUQuotaPeriodUSec"},
    {"CPUSchedulingPolicy", one<named_number>, kSchedulers},
    {"CPUSchedulingPriority", one<number>, "", "", 0, 99},
    {"CPUSchedulingResetOnFork", one<boolean>},
    {"CPUWeight", one<cpu_weight>, "", "", 0, 0, "limits.cpu_weight"},
    {"CacheDirectory", directories, "links"},
    {"CacheDirectoryMode", one<mode>},
    {"CapabilityBoundingSet", capabilities},
    {"ConfigurationDirectory", directories},
    {"ConfigurationDirectoryMode", one<mode>},
    {"Conflicts", kRefused, kOrder},
    {"CoredumpFilter", one<named_flags>, kCoreParts},
    {"CoredumpReceive", one<boolean>},
    {"DefaultMemoryLow", one<memory>},
    {"DefaultMemoryMin", one<memory>},
    {"Delegate", delegation},
    {"Description", kRefused, "use 'name'"},
    {"DeviceAllow", devices},
    {"DevicePolicy", one<word>, "auto closed strict"},
    {"DisableControllers", names},
    {"DynamicUser", one<boolean>},
    {"Environment", kRefused, kEnv},
    {"EnvironmentFile", kRefused, "use 'env_file'"},
    {"ExecCondition", kRefused, kProgram},
    {"ExecPaths", paths},
    {"ExecReload", kRefused, "use 'reload'"},
    {"ExecSearchPath", paths},
    {"ExecStart", kRefused, kProgram},
    {"ExecStartPost", kRefused, kProgram},
    {"ExecStartPre", kRefused, kProgram},
    {"ExecStop", kRefused, kStop},
    {"ExecStopPost", kRefused, kStop},
    {"ExitType", kRefused, kOneUnit},
    {"ExtensionDirectories", paths},
    {"ExtensionImages", kRefused, kImages},
    {"FileDescriptorStoreMax", kRefused, kOneUnit},
    {"FinalKillSignal", one<signal>},
    {"Group", kRefused, "use 'gid'"},
    {"GuessMainPID", kRefused, kReady},
    {"IOAccounting", one<boolean>},
    {"IODeviceLatencyTargetSec", device_span, "", "IODeviceLatencyTargetUSec"},
    {"IODeviceWeight", device_weight},
    {"IOReadBandwidthMax", device_bytes},
    {"IOReadIOPSMax", device_count},
    {"IOSchedulingClass", one<named_number>, kIoClasses},
    {"IOSchedulingPriority", one<number>, "", "", 0, 7},
    {"IOWeight", one<weight>, "", "", 0, 0, "limits.io_weight"},
    {"IOWriteBandwidthMax", device_bytes},
    {"IOWriteIOPSMax", device_count},
    {"IPAccounting", one<boolean>},
    {"IPAddressAllow", prefixes},
    {"IPAddressDeny", prefixes},
    {"IPCNamespacePath", one<path>},
    {"IPEgressFilterPath", paths},
    {"IPIngressFilterPath", paths},
    {"IgnoreSIGPIPE", one<boolean>},
    {"ImportCredential", names},
    {"InaccessiblePaths", paths},
    {"KeyringMode", one<word>, "inherit private shared"},
    {"KillMode", kRefused, "use 'kill_mode'"},
    {"KillSignal", kRefused, "use 'kill_signal'"},
    {"LimitAS", one<rlimit>, "as", "", 0, 0, "rlimits.as"},
    {"LimitCORE", one<rlimit>, "core", "", 0, 0, "rlimits.core"},
    {"LimitCPU", one<rlimit>, "cpu", "", 0, 0, "rlimits.cpu"},
    {"LimitDATA", one<rlimit>, "data", "", 0, 0, "rlimits.data"},
    {"LimitFSIZE", one<rlimit>, "fsize", "", 0, 0, "rlimits.fsize"},
    {"LimitLOCKS", one<rlimit>, "locks", "", 0, 0, "rlimits.locks"},
    {"LimitMEMLOCK", one<rlimit>, "memlock", "", 0, 0, "rlimits.memlock"},
    {"LimitMSGQUEUE", one<rlimit>, "msgqueue", "", 0, 0, "rlimits.msgqueue"},
    {"LimitNICE", one<rlimit>, "nice", "", 0, 0, "rlimits.nice"},
    {"LimitNOFILE", one<rlimit>, "nofile", "", 0, 0, "rlimits.nofile"},
    {"LimitNPROC", one<rlimit>, "nproc", "", 0, 0, "rlimits.nproc"},
    {"LimitRSS", one<rlimit>, "rss", "", 0, 0, "rlimits.rss"},
    {"LimitRTPRIO", one<rlimit>, "rtprio", "", 0, 0, "rlimits.rtprio"},
    {"LimitRTTIME", one<rlimit>, "rttime", "", 0, 0, "rlimits.rttime"},
    {"LimitSIGPENDING", one<rlimit>, "sigpending", "", 0, 0, "rlimits.sigpending"},
    {"LimitSTACK", one<rlimit>, "stack", "", 0, 0, "rlimits.stack"},
    {"LoadCredential", credentials},
    {"LoadCredentialEncrypted", credentials},
    {"LockPersonality", one<boolean>},
    {"LogExtraFields", kRefused, "pmd sets PM_APP, PM_INSTANCE and others"},
    {"LogLevelMax", one<named_number>, kLevels},
    {"LogNamespace", kRefused, "pmctl logs reads the journal of the system"},
    {"LogRateLimitBurst", one<count>, "", "", 0, kUnsigned},
    {"LogRateLimitIntervalSec", one<span>, "", "LogRateLimitIntervalUSec"},
    {"LogsDirectory", directories, "links"},
    {"LogsDirectoryMode", one<mode>},
    {"ManagedOOMMemoryPressure", one<word>, "auto kill"},
    {"ManagedOOMMemoryPressureLimit", one<percent>},
    {"ManagedOOMPreference", one<word>, "none avoid omit"},
    {"ManagedOOMSwap", one<word>, "auto kill"},
    {"MemoryAccounting", one<boolean>},
    {"MemoryDenyWriteExecute", one<boolean>},
    {"MemoryHigh", one<memory>, "", "", 0, 0, "limits.memory_high"},
    {"MemoryKSM", one<boolean>},
    {"MemoryLow", one<memory>, "", "", 0, 0, "limits.memory_low"},
    {"MemoryMax", one<memory>, "", "", 0, 0, "limits.memory_max"},
    {"MemoryMin", one<memory>},
    {"MemoryPressureThresholdSec", one<span>, "", "MemoryPressureThresholdUSec"},
    {"MemoryPressureWatch", one<word>, "auto on off skip"},
    {"MemorySwapMax", one<memory>, "", "", 0, 0, "limits.memory_swap_max"},
    {"MemoryZSwapMax", one<memory>},
    {"MemoryZSwapWriteback", one<boolean>},
    {"MountAPIVFS", one<boolean>},
    {"MountFlags", one<named_flags>, kPropagations},
    {"MountImages", kRefused, kImages},
    {"NUMAMask", bits},
    {"NUMAPolicy", one<named_number>, kNumaPolicies},
    {"NetworkNamespacePath", one<path>},
    {"Nice", kRefused, "use 'nice'"},
    {"NoExecPaths", paths},
    {"NoNewPrivileges", one<boolean>},
    {"NonBlocking", kRefused, "pmd hands over no descriptors of units"},
    {"NotifyAccess", kRefused, kReady},
    {"OOMPolicy", one<word>, "continue stop kill"},
    {"OOMScoreAdjust", kRefused, "use 'oom_score_adj'"},
    {"OpenFile", kRefused, kOneUnit},
    {"PAMName", one<text>},
    {"PIDFile", kRefused, "use 'pid_file'"},
    {"PartOf", kRefused, kOrder},
    {"PassEnvironment", kRefused, kEnv},
    {"Personality", one<word>, "x86 x86-64 arm arm64 ppc ppc-le ppc64 ppc64-le s390 s390x mips mips-le mips64 mips64-le riscv32 riscv64"},
    {"PrivateDevices", one<boolean>},
    {"PrivateIPC", one<boolean>},
    {"PrivateMounts", one<boolean>},
    {"PrivateNetwork", one<boolean>},
    {"PrivatePIDs", one<word>, "no yes"},
    {"PrivateTmp", one<boolean_or_word>, "disconnected"},
    {"PrivateUsers", one<boolean_or_word>, "self identity full"},
    {"ProcSubset", one<word>, "all pid"},
    {"ProtectClock", one<boolean>},
    {"ProtectControlGroups", one<boolean_or_word>, "private strict"},
    {"ProtectHome", one<word>, "no yes read-only tmpfs"},
    {"ProtectHostname", one<boolean_or_word>, "private"},
    {"ProtectKernelLogs", one<boolean>},
    {"ProtectKernelModules", one<boolean>},
    {"ProtectKernelTunables", one<boolean>},
    {"ProtectProc", one<word>, "noaccess invisible ptraceable default"},
    {"ProtectSystem", one<word>, "no yes full strict"},
    {"ReadOnlyPaths", paths},
    {"ReadWritePaths", paths},
    {"RefuseManualStart", kRefused, "use 'autostart'"},
    {"RemainAfterExit", kRefused, kRestart},
    {"RemoveIPC", one<boolean>},
    {"Requires", kRefused, kOrder},
    {"Restart", kRefused, kRestart},
    {"RestartForceExitStatus", kRefused, kRestart},
    {"RestartKillSignal", kRefused, "use 'kill_signal'"},
    {"RestartPreventExitStatus", kRefused, "use 'stop_exit_codes'"},
    {"RestartSec", kRefused, "use 'restart_delay'"},
    {"RestrictAddressFamilies", families},
    {"RestrictFileSystems", filter},
    {"RestrictNamespaces", namespaces},
    {"RestrictNetworkInterfaces", filter},
    {"RestrictRealtime", one<boolean>},
    {"RestrictSUIDSGID", one<boolean>},
    {"RootDirectory", one<path>},
    {"RootDirectoryStartOnly", kRefused, kProgram},
    {"RootEphemeral", one<boolean>},
    {"RootHash", one<path>, "", "RootHashPath"},
    {"RootHashSignature", one<path>, "", "RootHashSignaturePath"},
    {"RootImage", one<path>},
    {"RootImageOptions", kRefused, kImages},
    {"RootVerity", one<path>},
    {"RuntimeDirectory", directories, "links"},
    {"RuntimeDirectoryMode", one<mode>},
    {"RuntimeDirectoryPreserve", one<word>, "no yes restart"},
    {"RuntimeMaxSec", one<span>, "", "RuntimeMaxUSec"},
    {"RuntimeRandomizedExtraSec", one<span>, "", "RuntimeRandomizedExtraUSec"},
    {"SELinuxContext", one<text>},
    {"SecureBits", one<secure_bits>, kSecureBits},
    {"SendSIGHUP", one<boolean>},
    {"SendSIGKILL", kRefused, kStop},
    {"SetCredential", secrets},
    {"Slice", kRefused, "pmd has slices of its own"},
    {"SmackProcessLabel", one<lenient>},
    {"SocketBindAllow", ports},
    {"SocketBindDeny", ports},
    {"Sockets", kRefused, "use 'listen'"},
    {"StandardError", kRefused, kOutput},
    {"StandardInput", kRefused, "use 'stdin'"},
    {"StandardInputData", kRefused, "use 'stdin'"},
    {"StandardInputText", kRefused, "use 'stdin'"},
    {"StandardOutput", kRefused, kOutput},
    {"StartLimitBurst", kRefused, kRestart},
    {"StartLimitIntervalSec", kRefused, kRestart},
    {"StartupAllowedCPUs", bits},
    {"StartupAllowedMemoryNodes", bits},
    {"StartupCPUWeight", one<cpu_weight>},
    {"StartupIOWeight", one<weight>},
    {"StartupMemoryHigh", one<memory>},
    {"StartupMemoryLow", one<memory>},
    {"StartupMemoryMax", one<memory>},
    {"StartupMemorySwapMax", one<memory>},
    {"StartupMemoryZSwapMax", one<memory>},
    {"StateDirectory", directories, "links"},
    {"StateDirectoryMode", one<mode>},
    {"SuccessExitStatus", kRefused, "use 'stop_exit_codes'"},
    {"SupplementaryGroups", names},
    {"SyslogFacility", one<named_number>, kFacilities},
    {"SyslogIdentifier", one<text>},
    {"SyslogLevel", one<named_number>, kLevels},
    {"SyslogLevelPrefix", one<boolean>},
    {"SystemCallArchitectures", names},
    {"SystemCallErrorNumber", one<error_number>},
    {"SystemCallFilter", filter},
    {"SystemCallLog", filter},
    {"TTYPath", kRefused, kTerminal},
    {"TTYReset", kRefused, kTerminal},
    {"TTYVHangup", kRefused, kTerminal},
    {"TTYVTDisallocate", kRefused, kTerminal},
    {"TasksAccounting", one<boolean>},
    {"TasksMax", one<tasks>, "", "", 0, 0, "limits.tasks"},
    {"TemporaryFileSystem", mounts},
    {"TimeoutAbortSec", kRefused, "use 'kill_timeout'"},
    {"TimeoutSec", kRefused, "use 'listen_timeout' and 'kill_timeout'"},
    {"TimeoutStartSec", kRefused, "use 'listen_timeout'"},
    {"TimeoutStopSec", kRefused, "use 'kill_timeout'"},
    {"TimerSlackNSec", one<nanoseconds>},
    {"Type", kRefused, kReady},
    {"UMask", kRefused, "use 'umask'"},
    {"UnsetEnvironment", kRefused, kEnv},
    {"User", kRefused, "use 'uid'"},
    {"UtmpIdentifier", kRefused, kTerminal},
    {"UtmpMode", kRefused, kTerminal},
    {"Wants", kRefused, kOrder},
    {"WatchdogSec", kRefused, "use 'watchdog'"},
    {"WatchdogSignal", kRefused, "use 'watchdog'"},
    {"WorkingDirectory", kRefused, "use 'cwd'"},
};

constexpr bool by_name(const SandboxKey& left, const SandboxKey& right) noexcept { return left.name < right.name; }
static_assert(std::is_sorted(std::begin(kRows), std::end(kRows), by_name));

} // namespace

std::span<const SandboxKey> sandbox_keys() noexcept { return kRows; }

const SandboxKey* find_sandbox_key(std::string_view name) noexcept
{
    const auto* found = std::lower_bound(std::begin(kRows), std::end(kRows), name,
                                         [](const SandboxKey& key, std::string_view wanted) { return key.name < wanted; });
    return found != std::end(kRows) && found->name == name ? found : nullptr;
}

} // namespace pm::config
