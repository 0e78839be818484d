// SPDX-License-Identifier: Apache-2.0
#include "cli/view/progress.hpp"

#include "base/text.hpp"

#include <fmt/format.h>

namespace pm::cli {
namespace {

constexpr auto kQuietAtFirst = std::chrono::milliseconds(300); // what is over by then needs no line

} // namespace

Progress::Progress(const Terminal& terminal, std::string doing, Now now)
    : terminal_(terminal), doing_(base::printable(doing)), now_(std::move(now)), since_(now_())
{
}

Progress::~Progress()
{
    clear();
}

void Progress::clear()
{
    if (shown_) err("\r\033[K");
    shown_ = false;
}

void Progress::on_event(const std::string& event, const std::string& app, std::uint32_t id)
{
    last_ = fmt::format("{} (id {}): {}", base::printable(app), id, base::printable(event));
    show();
}

void Progress::on_tick() { show(); }

void Progress::on_question()
{
    clear();
    silent_ = true;
}

void Progress::show()
{
    const auto passed = now_() - since_;
    if (silent_ || passed < kQuietAtFirst) return;
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(passed);
    std::string line = fmt::format("{} ({}){}", doing_, base::format_duration(seconds), terminal_.unicode ? "\xe2\x80\xa6" : "...");
    if (!last_.empty()) line += "  " + last_;
    if (terminal_.width > 1) line = shorten(line, terminal_.width - 1, terminal_.unicode);
    err("\r\033[K" + paint(line, Colour::Dim, terminal_.colour));
    shown_ = true;
}

} // namespace pm::cli
