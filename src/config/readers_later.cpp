// SPDX-License-Identifier: Apache-2.0
#include "base/text.hpp"
#include "config/app_keys.hpp"
#include "config/readers.hpp"
#include "config/values.hpp"

#include <array>
#include <fmt/format.h>
#include <limits>

namespace pm::config::read {
namespace {


} // namespace

void any_bool(Draft&, const Field& field)
{
    bool ignored = false;
    field.boolean(ignored);
}

void any_duration(Draft&, const Field& field)
{
    model::Milliseconds ignored{};
    field.duration(ignored);
}

void any_size(Draft&, const Field& field)
{
    std::uint64_t ignored = 0;
    field.size(ignored);
}

void any_texts(Draft&, const Field& field)
{
    std::vector<std::string> ignored;
    field.texts(ignored);
}

void any_map(Draft&, const Field& field)
{
    if (!field.is(Node::Kind::Map)) field.expected("a map");
}

void count(Draft&, const Field& field)
{
    std::int64_t ignored = 0;
    field.integer(ignored, 0, std::numeric_limits<std::uint32_t>::max());
}

void stdio(Draft& draft, const Field& field)
{
    // "pipe", "ignore", "inherit", "ipc", a descriptor's number or a path: any text may be one of these.
    std::string ignored;
    if (field.is(Node::Kind::Scalar)) return file(draft, ignored, field);
    field.expected("pipe, ignore, inherit, ipc, a file or a descriptor");
}

} // namespace pm::config::read
