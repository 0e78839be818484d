// SPDX-License-Identifier: Apache-2.0
// pmd's own messages: to the journal with fields when it is our stderr, else as lines on stderr.
#pragma once

#include "io/journal_socket.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace pm::io {

/// Numbers of syslog(3), which the journal uses.
enum class Severity { Error = 3, Warning = 4, Notice = 5, Info = 6, Debug = 7 };

/// The kinds of messages that have an id (io/message.hpp).
enum class Message {
    Wait, Start, Online, Exit, Restart, Stop, Errored, Delete, Signal, Reload, ReloadFailed, Recycle, Unhealthy, Healthy, ///< of processes, as engine::EventKind
    Serving,         ///< pmd answers on its bus
    Ending,          ///< it stops all apps and ends
    Upgrading,       ///< another pmd is executed in its place
    UpgradeFailed,   ///< that did not happen
    SettingsRead,    ///< after SIGHUP
    SettingsRefused, ///< they have faults; those of before stay
    BusLost,
    BusBack,
    OutputTrouble,   ///< lines of an app cannot be kept as asked, or can again
};

struct LogField {
    std::string_view name; ///< upper case, "PM_APP"
    std::string value;
};

class Log {
public:
    /// Looks once where stderr leads (JOURNAL_STREAM, systemd.exec(5); a terminal gets colour, a file time stamps).
    Log();
    /// To a journald that listens at `socket`.
    explicit Log(JournalSocket socket) : journal_(std::move(socket)), sink_(Sink::Journal) {}
    void set_threshold(Severity least) noexcept { threshold_ = least; }
    [[nodiscard]] bool wants(Severity severity) const noexcept { return severity <= threshold_; }
    /// One message, one line. Never fails: what cannot be written is lost.
    void write(Severity severity, std::string_view message, std::span<const LogField> fields = {}) noexcept;
    /// With its MESSAGE_ID.
    void write(Severity severity, std::string_view message, Message kind) noexcept;
    void error(std::string_view message) noexcept { write(Severity::Error, message); }
    void warning(std::string_view message) noexcept { write(Severity::Warning, message); }
    void notice(std::string_view message) noexcept { write(Severity::Notice, message); }
    void info(std::string_view message) noexcept { write(Severity::Info, message); }

private:
    [[nodiscard]] bool can_write() const noexcept;
    void send(Severity severity, std::string_view message, std::span<const LogField> fields);
    void write_line(Severity severity, std::string_view message);
    /// A regular file on stderr is emptied when it has grown past a bound: pmd.log must not fill the disk.
    void bound_file();

    std::optional<JournalSocket> journal_;
    enum class Sink { Journal, Terminal, File } sink_ = Sink::File;
    Severity threshold_ = Severity::Info;
    bool never_waits_ = false; ///< stderr is a regular file
    std::uint64_t written_ = 0;
    std::uint64_t lost_ = 0; ///< messages, since the last that was written
};

} // namespace pm::io
