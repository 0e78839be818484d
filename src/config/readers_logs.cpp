// SPDX-License-Identifier: Apache-2.0
#include "config/app_keys.hpp"
#include "config/readers.hpp"
#include "config/values.hpp"

#include <array>
#include <climits>
#include <fmt/format.h>

namespace pm::config::read {
namespace {

constexpr std::size_t kMaxDateFormat = 200; ///< bytes of strftime(3) format; it stands before every line

} // namespace

bool whole_path(const Draft& draft, std::string& path, const Field& field)
{
    const auto wrong = [&](std::string message) {
        field.fault(std::move(message));
        return false;
    };
    if (path.empty()) return wrong("the path is empty");
    if (path.size() >= PATH_MAX) return wrong(fmt::format("a path of {} bytes, at most {}", path.size(), PATH_MAX - 1));
    if (path.front() != '~') return true;
    if (path.size() > 1 && path[1] != '/') return wrong("of '~' only '~/...' is understood");
    if (draft.options.home.empty()) return wrong("'~' has no meaning here, write the whole path");
    path.replace(0, 1, draft.options.home);
    return true;
}

void file(const Draft& draft, std::string& to, const Field& field)
{
    std::string path;
    if (field.text(path) && whole_path(draft, path, field)) to = std::move(path);
}

void stream_file(const Draft& draft, std::string& to, const Field& field)
{
    if (field.node().text == "NULL")
        to = "/dev/null";
    else
        file(draft, to, field);
}

void log_file(Draft& draft, const Field& field)
{
    const auto on = field.is(Node::Kind::Scalar) ? bool_from(field.node().text) : std::nullopt;
    if (on) {
        draft.spec.logs.log_file = *on ? "default" : "";
        draft.log_file.clear();
        return;
    }
    stream_file(draft, draft.log_file, field);
    if (draft.log_file == "/dev/null") draft.log_file.clear();
}

void log_type(Draft& draft, const Field& field)
{
    constexpr std::array<std::string_view, 2> kTypes{"raw", "json"};
    std::string type;
    if (field.is(Node::Kind::Scalar) && field.node().text.empty()) return; // PM2's own default
    if (field.word(type, kTypes)) draft.spec.logs.type = *model::log_type_from(type);
}

void log_date_format(Draft& draft, const Field& field)
{
    std::string text;
    if (!field.text(text)) return;
    if (bool_from(text) == false) return; // PM2: false for none
    auto read = date_format_from(text);
    if (!read) return field.fault(read.error().message);
    std::string format = *std::move(read);
    if (format.size() > kMaxDateFormat) return field.fault(fmt::format("a date format of more than {} bytes", kMaxDateFormat));
    draft.spec.logs.date_format = std::move(format);
}

void logs(Draft& draft, const Field& field) { log_keys().read(draft, field); }

void log_target(Draft& draft, const Field& field)
{
    constexpr std::array<std::string_view, 2> kTargets{"files", "journal"};
    std::string target;
    if (!field.word(target, kTargets)) return;
    draft.spec.logs.to = *model::log_target_from(target);
    draft.log_target_mark = field.node().mark;
    if (target == "journal" && !draft.options.journal)
        field.fault("the journal needs the systemd launcher, and this pmd starts processes itself; 'files' works everywhere");
}

void rotate(Draft& draft, const Field& field)
{
    if (field.asks_for_nothing()) return;
    const std::size_t faults = field.report().faults();
    rotate_keys().read(draft, field);
    if (field.report().faults() == faults && !draft.spec.logs.rotate.is_on()) field.fault("when is missing: size or age");
}

void rotate_size(Draft& draft, const Field& field)
{
    constexpr std::uint64_t kLeast = 4096;
    std::uint64_t size = 0;
    if (!field.size(size)) return;
    if (size < kLeast) return field.expected("at least 4K: a number alone is bytes");
    draft.spec.logs.rotate.size = size;
}

void rotate_age(Draft& draft, const Field& field)
{
    constexpr model::Milliseconds kLeast{1000};
    model::Milliseconds age{};
    if (!field.duration(age)) return;
    if (age < kLeast) return field.expected("at least 1s: a number alone is milliseconds");
    draft.spec.logs.rotate.age = age;
}

void rotate_keep(Draft& draft, const Field& field)
{
    constexpr std::int64_t kMost = 10'000;
    std::int64_t keep = 0;
    if (field.integer(keep, 0, kMost)) draft.spec.logs.rotate.keep = static_cast<std::uint32_t>(keep);
}

} // namespace pm::config::read
