// SPDX-License-Identifier: Apache-2.0
#include "cli/view/table.hpp"

#include <algorithm>
#include <numeric>

namespace pm::cli {
namespace {

constexpr unsigned kGap = 2;

struct Layout {
    std::vector<unsigned> widths;
    std::vector<bool> shown;

    [[nodiscard]] unsigned total() const
    {
        unsigned sum = 0;
        for (std::size_t i = 0; i < widths.size(); ++i)
            if (shown[i]) sum += widths[i] + kGap;
        return sum == 0 ? 0 : sum - kGap;
    }
};

Layout natural(const std::vector<Column>& columns, const std::vector<std::vector<Cell>>& rows)
{
    Layout layout;
    layout.shown.assign(columns.size(), true);
    for (const Column& column : columns) layout.widths.push_back(display_width(column.title));
    for (const auto& row : rows)
        for (std::size_t i = 0; i < row.size(); ++i)
            layout.widths[i] = std::max(layout.widths[i], display_width(row[i].text));
    return layout;
}

/// Takes what is too much from the column that can give most.
void shorten_columns(Layout& layout, const std::vector<Column>& columns, unsigned width)
{
    for (std::size_t round = 0; round < columns.size() && layout.total() > width; ++round) {
        std::size_t best = columns.size();
        unsigned most = 0;
        for (std::size_t i = 0; i < columns.size(); ++i) {
            if (!layout.shown[i] || columns[i].shortest == 0 || layout.widths[i] <= columns[i].shortest) continue;
            const unsigned spare = layout.widths[i] - columns[i].shortest;
            if (spare > most) {
                most = spare;
                best = i;
            }
        }
        if (best == columns.size()) return;
        layout.widths[best] -= std::min(most, layout.total() - width);
    }
}

/// The least wanted of the columns still shown; none when only the indispensable are left.
bool drop_one(Layout& layout, const std::vector<Column>& columns)
{
    std::size_t least = columns.size();
    for (std::size_t i = 0; i < columns.size(); ++i) {
        if (!layout.shown[i] || columns[i].keep == 0) continue;
        if (least == columns.size() || columns[i].keep < columns[least].keep) least = i;
    }
    if (least == columns.size()) return false;
    layout.shown[least] = false;
    return true;
}

Layout fit(const std::vector<Column>& columns, const std::vector<std::vector<Cell>>& rows, unsigned width)
{
    const Layout full = natural(columns, rows);
    if (width == 0) return full;
    Layout dropped = full;
    for (;;) {
        Layout tried = dropped;
        shorten_columns(tried, columns, width);
        if (tried.total() <= width || !drop_one(dropped, columns)) return tried;
    }
}

void append_cell(std::string& line, const Cell& cell, const Column& column, unsigned width, bool last,
                 const Terminal& terminal)
{
    const std::string text = shorten(cell.text, width, terminal.unicode);
    const std::string padding(width - std::min(width, display_width(text)), ' ');
    if (column.right) line += padding;
    line += paint(text, cell.colour, terminal.colour);
    if (!column.right && !last) line += padding;
}

} // namespace

std::string render(const std::vector<Column>& columns, const std::vector<std::vector<Cell>>& rows,
                   const Terminal& terminal)
{
    const Layout layout = fit(columns, rows, terminal.width);
    std::size_t last = 0;
    for (std::size_t i = 0; i < columns.size(); ++i)
        if (layout.shown[i]) last = i;
    std::string text;
    const auto add = [&](const auto& cell_of) {
        bool first = true;
        for (std::size_t i = 0; i < columns.size(); ++i) {
            if (!layout.shown[i]) continue;
            if (!first) text.append(kGap, ' ');
            first = false;
            append_cell(text, cell_of(i), columns[i], layout.widths[i], i == last, terminal);
        }
        text += '\n';
    };
    add([&](std::size_t i) { return Cell{columns[i].title, Colour::Bold}; });
    for (const auto& row : rows) add([&](std::size_t i) { return row[i]; });
    return text;
}

} // namespace pm::cli
