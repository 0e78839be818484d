// SPDX-License-Identifier: Apache-2.0
// pmd's own messages: to the journal with fields when it is our stderr, else as lines on stderr.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <sys/types.h>

namespace pm::io {

/// Numbers of syslog(3), which the journal uses.
enum class Severity { Error = 3, Warning = 4, Notice = 5, Info = 6, Debug = 7 };

struct LogField {
    std::string_view name; ///< upper case, "PM_APP"
    std::string value;
};

class Log {
public:
    /// Looks once where stderr leads (JOURNAL_STREAM, systemd.exec(5); a terminal gets colour, a file time stamps).
    Log();
    void set_threshold(Severity least) noexcept { threshold_ = least; }
    [[nodiscard]] bool wants(Severity severity) const noexcept { return severity <= threshold_; }
    /// One message, one line. Never fails: what cannot be written is lost.
    void write(Severity severity, std::string_view message, std::initializer_list<LogField> fields = {}) noexcept;
    void error(std::string_view message) noexcept { write(Severity::Error, message); }
    void warning(std::string_view message) noexcept { write(Severity::Warning, message); }
    void notice(std::string_view message) noexcept { write(Severity::Notice, message); }
    void info(std::string_view message) noexcept { write(Severity::Info, message); }

private:
    [[nodiscard]] bool can_write() const noexcept;
    void write_line(Severity severity, std::string_view message);
    /// A regular file on stderr is emptied when it has grown past a bound: pmd.log must not fill the disk.
    void bound_file();

    enum class Sink { Journal, Terminal, File } sink_ = Sink::File;
    Severity threshold_ = Severity::Info;
    bool never_waits_ = false; ///< stderr is a regular file
    std::uint64_t written_ = 0;
    std::uint64_t lost_ = 0; ///< messages, since the last that was written
};

} // namespace pm::io
