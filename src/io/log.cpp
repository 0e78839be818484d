// SPDX-License-Identifier: Apache-2.0
#include "io/log.hpp"

#include "base/guard.hpp"
#include "base/text.hpp"
#include "io/message.hpp"

#include <array>
#include <climits>
#include <cstdlib>
#include <ctime>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

namespace pm::io {
namespace {

constexpr std::uint64_t kMaxFileBytes = 8u << 20;

/// True when JOURNAL_STREAM names the device and inode of our stderr (systemd.exec(5)).
bool stderr_is_journal()
{
    const char* stream = std::getenv("JOURNAL_STREAM");
    struct stat status {};
    if (stream == nullptr || fstat(STDERR_FILENO, &status) < 0) return false;
    return fmt::format("{}:{}", status.st_dev, status.st_ino) == stream;
}

std::string_view label(Severity severity) noexcept
{
    switch (severity) {
    case Severity::Error: return "error: ";
    case Severity::Warning: return "warning: ";
    case Severity::Notice:
    case Severity::Info: return "";
    case Severity::Debug: return "debug: ";
    }
    return "";
}

std::string_view colour(Severity severity) noexcept
{
    switch (severity) {
    case Severity::Error: return "\x1b[31m";
    case Severity::Warning: return "\x1b[33m";
    case Severity::Notice: return "\x1b[1m";
    case Severity::Info: return "";
    case Severity::Debug: return "\x1b[2m";
    }
    return "";
}

} // namespace

Log::Log()
{
    if (stderr_is_journal()) {
        sink_ = Sink::Journal;
        journal_.emplace();
    } else if (isatty(STDERR_FILENO) == 1) {
        sink_ = Sink::Terminal;
    }
    struct stat status {};
    never_waits_ = fstat(STDERR_FILENO, &status) == 0 && S_ISREG(status.st_mode);
}

void Log::write(Severity severity, std::string_view message, std::span<const LogField> fields) noexcept
{
    if (!wants(severity)) return;
    base::guard(
        [&] {
            if (sink_ == Sink::Journal)
                send(severity, message, fields);
            else
                write_line(severity, base::printable(message));
        },
        [](const std::string&) {});
}

void Log::write(Severity severity, std::string_view message, Message kind) noexcept
{
    if (!wants(severity)) return;
    base::guard(
        [&] {
            const LogField id{"MESSAGE_ID", std::string(message_id(kind))};
            write(severity, message, {&id, 1});
        },
        [](const std::string&) {});
}

void Log::send(Severity severity, std::string_view message, std::span<const LogField> fields)
{
    const auto common = [](Severity of, std::string text) {
        return std::vector<LogField>{{"MESSAGE", std::move(text)},
                                     {"PRIORITY", std::to_string(static_cast<int>(of))},
                                     {"SYSLOG_IDENTIFIER", "pmd"}};
    };
    if (lost_ > 0 && journal_->send(common(Severity::Warning, fmt::format("{} messages were lost: journald did not take them", lost_))))
        lost_ = 0;
    std::vector<LogField> all = common(severity, std::string(message));
    all.insert(all.end(), fields.begin(), fields.end());
    if (!journal_->send(all)) ++lost_;
}

void Log::write_line(Severity severity, std::string_view message)
{
    std::string line;
    if (sink_ == Sink::Terminal) {
        line = fmt::format("{}pmd: {}{}{}\n", colour(severity), label(severity), message,
                           colour(severity).empty() ? "" : "\x1b[0m");
    } else {
        const std::time_t now = std::time(nullptr);
        std::tm local{};
        localtime_r(&now, &local);
        line = fmt::format("{:%Y-%m-%dT%H:%M:%S%z} pmd[{}]: {}{}\n", local, getpid(), label(severity), message);
        written_ += line.size();
        if (written_ > kMaxFileBytes / 8) bound_file();
    }
    if (lost_ > 0 && can_write()) {
        const std::string told = fmt::format("pmd: {} messages were lost: nobody took them\n", std::exchange(lost_, 0));
        [[maybe_unused]] const ssize_t done = ::write(STDERR_FILENO, told.data(), told.size());
    }
    if (line.size() > PIPE_BUF) line.replace(PIPE_BUF - 4, std::string::npos, "...\n");
    if (!can_write() || ::write(STDERR_FILENO, line.data(), line.size()) < 0) ++lost_;
}

/// A pipe that is ready takes PIPE_BUF bytes, a terminal is not ready while it is stopped: writing waits for nobody.
bool Log::can_write() const noexcept
{
    if (never_waits_) return true;
    pollfd ready{STDERR_FILENO, POLLOUT, 0};
    return ::poll(&ready, 1, 0) == 1 && (ready.revents & POLLOUT) != 0;
}

void Log::bound_file()
{
    written_ = 0;
    struct stat status {};
    if (fstat(STDERR_FILENO, &status) < 0 || !S_ISREG(status.st_mode)) return;
    if (static_cast<std::uint64_t>(status.st_size) > kMaxFileBytes)
        [[maybe_unused]] const int lost = ftruncate(STDERR_FILENO, 0);
}

} // namespace pm::io
