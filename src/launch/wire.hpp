// SPDX-License-Identifier: Apache-2.0
// What pmd and pm-exec say to each other: orders one way, at most one report of failure the other way.
//
// The orders are one OrdersHeader, then fields: FieldHeader, `length` bytes, and zeros up to the next multiple of 8.
// Texts end with a NUL that counts in the length and hold no other, so pm-exec uses them where they lie, without a
// copy. Numbers are in the machine's own byte order: both ends are one build on one machine; the version guards that.
// The app's stdout and stderr are inherited as fds 1 and 2 and not sent: a dup2 in the child costs less than SCM_RIGHTS.
// The sockets an app listens on come with the first byte of the orders (SCM_RIGHTS), as many as Field::Sockets says: pm-exec
// cannot be handed an fd that it did not expect. It writes its pid over the value of LISTEN_PID, which no one else knows.
// Where Field::BindFilter asks for a seccomp filter, its listener goes to pmd first: kFilterMagic with one descriptor.
// Success is end of file (the socket closes at execve); failure is one Report, its two texts behind it.
//
// In a transient unit pm-exec's fd 0 is one end of a socket pair whose other copy systemd keeps open for as long as the
// unit is loaded, so its end of file tells nothing. Over it comes one byte (kUnitOut, kUnitErr) with descriptors: a socket for
// all of the above, then stdout and stderr where the byte says so. pm-exec makes them its own and begins with a
// hello (kHelloMagic) that carries its credentials (unix(7), SCM_CREDENTIALS).
// pm-exec has no C library: this header needs nothing but integers.
#pragma once

#include <cstddef>
#include <cstdint>

namespace pm::launch::wire {

inline constexpr std::uint32_t kOrdersMagic = 0x31584d50;  // "PMX1"
inline constexpr std::uint32_t kReportMagic = 0x32584d50;  // "PMX2"
inline constexpr std::uint32_t kHelloMagic = 0x33584d50;   // "PMX3"
inline constexpr std::uint32_t kFilterMagic = 0x34584d50;  // "PMX4"
inline constexpr char kUnitOut = 1;
inline constexpr char kUnitErr = 2;
/// Exit status of pm-exec in a unit whose pmd is gone before it had all of its orders: nothing was executed. systemd has no such status.
inline constexpr int kNobodyThere = 249;
inline constexpr std::uint32_t kVersion = 3;
/// Above what any kernel takes as arguments and environment (6 MiB); a bound on what pm-exec allocates.
inline constexpr std::uint32_t kMaxOrders = 8U << 20U;
inline constexpr std::uint32_t kMaxReportText = 1024;
inline constexpr std::uint32_t kMaxGroups = 65536;
/// 64 of `listen`, which config/ bounds, and a message channel.
inline constexpr std::size_t kMaxSockets = 65;
/// Room for any pid; what pm-exec does not need of it is cut off.
inline constexpr const char kPidRoom[] = "0000000000";
inline constexpr std::size_t kAlign = 8;

enum class Field : std::uint32_t {
    End = 0,
    Kind,           ///< number: CommandKind
    Flags,          ///< number: kFlag...
    Argument,       ///< text, repeated, in order; the first is the program or interpreter
    Script,         ///< text: the script to check, or to name in messages
    Environment,    ///< text "NAME=value", repeated: wins over environment files
    Base,           ///< text "NAME=value", repeated: environment files win over it
    EnvironmentFile,///< text, repeated: a path
    Directory,      ///< text: the working directory
    Umask,          ///< number
    Nice,           ///< number
    OomScore,       ///< number
    Limit,          ///< LimitOrder, repeated
    Uid,            ///< number
    Gid,            ///< number
    Groups,         ///< std::uint32_t[]: the supplementary groups; absent: left as they are
    Fallback,       ///< text: the interpreter to try when the first is not there
    Sockets,        ///< number: descriptors that came along; they become fds 3, 4, ...
    FileHead,       ///< text, repeated, Shell only: replaces the first kShellHead arguments when its last is a file
    BindFilter,     ///< number: pmd's pid; notifications of bind(2) and listen(2) are asked for, and their listener is sent
};
inline constexpr std::uint32_t kFieldCount = 20;
inline constexpr std::size_t kShellHead = 4; ///< shell, "-c", line, name

enum class CommandKind : std::uint32_t {
    Direct,      ///< run the script itself; without '/': here, then in PATH
    Interpreted, ///< an interpreter from PATH runs a script that must be readable
    Shell,       ///< a shell runs a line, unless all of it is the path of a file
};

inline constexpr std::int64_t kFlagNullOut = 1;       ///< stdout is /dev/null
inline constexpr std::int64_t kFlagNullErr = 2;       ///< stderr is /dev/null
inline constexpr std::int64_t kFlagNodeFallback = 4;  ///< a text without "#!" and extension is run by node

struct OrdersHeader {
    std::uint32_t magic;
    std::uint32_t version;
    std::uint32_t size; ///< of everything, this header included
    std::uint32_t reserved;
};

struct FieldHeader {
    std::uint32_t field;
    std::uint32_t length; ///< without padding
};

struct LimitOrder {
    std::int64_t resource;
    std::uint64_t soft;
    std::uint64_t hard;
};

/// Which sentence pmd makes of a report. The step itself is a model::LaunchStage.
enum class Form : std::uint16_t {
    Plain,          ///< "<step> '<first>': <errno>"
    AsksFor,        ///< script 'first' asks for interpreter 'second'
    NotExecutable,  ///< 'first' lacks the x bit
    IsDirectory,
    NoFormat,       ///< neither a program nor a script with "#!"
    NoLoader,       ///< an ELF program whose loader is missing
    BadLine,        ///< environment file 'first', line `number`
    TooMuch,        ///< environment file 'first' is over a bound
};

struct Report {
    std::uint32_t magic;
    std::uint16_t stage; ///< model::LaunchStage
    std::uint16_t form;  ///< Form
    std::int32_t error;  ///< errno
    std::int32_t number; ///< of a line, a limit or a priority
    std::uint32_t first; ///< bytes of the first text
    std::uint32_t second;
};

constexpr std::size_t padded(std::size_t length) noexcept { return (length + kAlign - 1) / kAlign * kAlign; }

} // namespace pm::launch::wire
