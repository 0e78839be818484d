// SPDX-License-Identifier: Apache-2.0
// Collects the faults of one file: where they are, bounded in number, in order of position.
#pragma once

#include "config/app_file.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pm::config {

/// A place in the text, both from 1. 0:0 is nowhere.
struct Mark {
    std::uint32_t line = 0;
    std::uint32_t column = 0;
};

/// "apps[0].env.PORT" as a chain of steps on the stack; written out only when there is a fault to report.
class Path {
public:
    Path() = default;
    Path(const Path& parent, std::string_view key) : parent_(&parent), key_(key) {}
    Path(const Path& parent, std::size_t index) : parent_(&parent), index_(index), is_index_(true) {}
    [[nodiscard]] std::string text() const;

private:
    const Path* parent_ = nullptr;
    std::string_view key_;
    std::size_t index_ = 0;
    bool is_index_ = false;
};

class Report {
public:
    static constexpr std::size_t kMaxDiagnostics = 200;

    explicit Report(Dialect dialect = Dialect::Own) : dialect_(dialect) {}
    [[nodiscard]] Dialect dialect() const noexcept { return dialect_; }
    /// The file is one of PM2's: what PM2 leaves out silently is told, and is no fault.
    [[nodiscard]] bool of_pm2() const noexcept { return dialect_ != Dialect::Own; }

    void fault(Mark mark, const Path& path, std::string message);
    void warning(Mark mark, const Path& path, std::string message);
    /// A warning in a file of PM2's, which leaves such a thing out; a fault in one of ours.
    void left_out(Mark mark, const Path& path, std::string message);
    [[nodiscard]] std::size_t faults() const noexcept { return faults_; }
    /// Everything said so far, in order of position, closed by "and N more" when there was more than fits.
    [[nodiscard]] std::vector<Diagnostic> take();

    /// What has been said leniently so far.
    [[nodiscard]] std::size_t lenient_faults() const noexcept { return lenient_faults_; }

    /// While it lives, faults are warnings: they are about a key that PM2 does not know, in a file of PM2's.
    class Lenient {
    public:
        explicit Lenient(Report& report) : report_(report), before_(std::exchange(report.lenient_, true)) {}
        ~Lenient() { report_.lenient_ = before_; }
        Lenient(const Lenient&) = delete;
        Lenient& operator=(const Lenient&) = delete;

    private:
        Report& report_;
        bool before_;
    };

private:
    void add(Severity severity, Mark mark, const Path& path, std::string message);

    Dialect dialect_;
    bool lenient_ = false;
    std::size_t lenient_faults_ = 0;
    std::vector<Diagnostic> diagnostics_;
    std::size_t faults_ = 0;
    std::size_t dropped_faults_ = 0;
    std::size_t dropped_warnings_ = 0;
};

[[nodiscard]] bool without_errors(const std::vector<Diagnostic>& diagnostics) noexcept;

} // namespace pm::config
