// SPDX-License-Identifier: Apache-2.0
#include "config/report.hpp"

#include "base/text.hpp"
#include "model/name_table.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <tuple>

namespace pm::config {
namespace {

constexpr model::NameTable<Dialect, 3> kDialects{{{{Dialect::Own, "own"}, {Dialect::Pm2, "pm2"}, {Dialect::Package, "package"}}}};

/// Keys come from the file: one that is a megabyte long does not belong in a message.
constexpr std::size_t kMaxStep = 64;

std::string shortened(std::string_view key)
{
    return base::printable(key.size() <= kMaxStep ? key : key.substr(0, kMaxStep)) + (key.size() > kMaxStep ? "..." : "");
}

} // namespace

std::string Path::text() const
{
    if (parent_ == nullptr) return {};
    const std::string before = parent_->text();
    if (is_index_) return fmt::format("{}[{}]", before, index_);
    return before.empty() ? shortened(key_) : before + "." + shortened(key_);
}

void Report::fault(Mark mark, const Path& path, std::string message)
{
    if (lenient_) {
        ++lenient_faults_;
        return add(Severity::Warning, mark, path, std::move(message) + " (left out: PM2 does not know the key)");
    }
    ++faults_;
    add(Severity::Error, mark, path, std::move(message));
}

void Report::warning(Mark mark, const Path& path, std::string message)
{
    add(Severity::Warning, mark, path, std::move(message));
}

void Report::left_out(Mark mark, const Path& path, std::string message)
{
    if (!of_pm2() || lenient_) return fault(mark, path, std::move(message));
    add(Severity::Warning, mark, path, std::move(message) + " (left out, as PM2 does)");
}

void Report::add(Severity severity, Mark mark, const Path& path, std::string message)
{
    // An error must never be the one left out for want of room that warnings took.
    const bool room = diagnostics_.size() < kMaxDiagnostics || (severity == Severity::Error && faults_ == 1);
    if (!room) {
        ++(severity == Severity::Error ? dropped_faults_ : dropped_warnings_);
        return;
    }
    diagnostics_.push_back({severity, mark.line, mark.column, path.text(), std::move(message)});
}

std::vector<Diagnostic> Report::take()
{
    std::stable_sort(diagnostics_.begin(), diagnostics_.end(), [](const Diagnostic& left, const Diagnostic& right) {
        return std::tie(left.line, left.column) < std::tie(right.line, right.column);
    });
    if (dropped_faults_ > 0)
        diagnostics_.push_back({Severity::Error, 0, 0, {}, fmt::format("and {} more faults", dropped_faults_)});
    if (dropped_warnings_ > 0)
        diagnostics_.push_back({Severity::Warning, 0, 0, {}, fmt::format("and {} more warnings", dropped_warnings_)});
    return std::move(diagnostics_);
}

bool without_errors(const std::vector<Diagnostic>& diagnostics) noexcept
{
    return std::none_of(diagnostics.begin(), diagnostics.end(),
                        [](const Diagnostic& diagnostic) { return diagnostic.severity == Severity::Error; });
}

std::string_view to_string(Dialect dialect) noexcept { return kDialects.name(dialect); }
std::optional<Dialect> dialect_from(std::string_view name) noexcept { return kDialects.value(name); }

bool AppFile::ok() const noexcept { return without_errors(diagnostics); }

std::string to_string(const Diagnostic& diagnostic, std::string_view file)
{
    std::string text(file);
    if (diagnostic.line > 0) text += fmt::format(":{}:{}", diagnostic.line, diagnostic.column);
    text += ": ";
    if (diagnostic.severity == Severity::Warning) text += "warning: ";
    if (!diagnostic.path.empty()) text += diagnostic.path + ": ";
    return text + diagnostic.message;
}

} // namespace pm::config
