// SPDX-License-Identifier: Apache-2.0
#include "launch/pm-exec/orders.hpp"

#include "launch/pm-exec/arena.hpp"

namespace pm::launch::exec {
namespace {

using wire::Field;

struct View {
    Field field = Field::End;
    char* data = nullptr;
    std::size_t length = 0;
};

/// Steps through the fields; false at the end and at the first malformed one (`at` is then not `size`).
bool next(char* data, std::size_t size, std::size_t& at, View& view) noexcept
{
    if (size - at < sizeof(wire::FieldHeader)) return false;
    const auto* header = reinterpret_cast<const wire::FieldHeader*>(data + at);
    const std::size_t room = size - at - sizeof(wire::FieldHeader);
    if (header->field >= wire::kFieldCount || header->length > room || wire::padded(header->length) > room) return false;
    view = {static_cast<Field>(header->field), data + at + sizeof(wire::FieldHeader), header->length};
    at += sizeof(wire::FieldHeader) + wire::padded(header->length);
    return true;
}

/// Exactly one NUL, and it is the last byte.
bool is_text(const View& view) noexcept
{
    if (view.length == 0) return false;
    for (std::size_t i = 0; i + 1 < view.length; ++i)
        if (view.data[i] == '\0') return false;
    return view.data[view.length - 1] == '\0';
}

bool append(const View& view, Texts& texts) noexcept
{
    if (!is_text(view)) return false;
    texts.items[texts.count++] = view.data;
    return true;
}

bool set(const View& view, char*& text) noexcept
{
    if (text != nullptr || !is_text(view)) return false;
    text = view.data;
    return true;
}

bool set(const View& view, Number& number) noexcept
{
    if (number.given || view.length != sizeof(std::int64_t)) return false;
    number = {true, *reinterpret_cast<const std::int64_t*>(view.data)};
    return true;
}

bool set_groups(const View& view, Orders& orders) noexcept
{
    if (orders.set_groups || view.length % sizeof(std::uint32_t) != 0) return false;
    orders.groups = reinterpret_cast<const std::uint32_t*>(view.data);
    orders.group_count = view.length / sizeof(std::uint32_t);
    orders.set_groups = true;
    return orders.group_count <= wire::kMaxGroups;
}

bool add_limit(const View& view, Orders& orders) noexcept
{
    constexpr std::size_t kMost = sizeof(orders.limits) / sizeof(orders.limits[0]);
    if (view.length != sizeof(wire::LimitOrder) || orders.limit_count == kMost) return false;
    orders.limits[orders.limit_count++] = reinterpret_cast<const wire::LimitOrder*>(view.data);
    return true;
}

bool store(const View& view, Orders& orders, Number& kind, Number& flags) noexcept
{
    switch (view.field) {
    case Field::End: return false;
    case Field::Kind: return set(view, kind);
    case Field::Flags: return set(view, flags);
    case Field::Argument: return append(view, orders.arguments);
    case Field::Script: return set(view, orders.script);
    case Field::Environment: return append(view, orders.environment);
    case Field::Base: return append(view, orders.base);
    case Field::EnvironmentFile: return append(view, orders.environment_files);
    case Field::Directory: return set(view, orders.directory);
    case Field::Umask: return set(view, orders.umask);
    case Field::Nice: return set(view, orders.nice);
    case Field::OomScore: return set(view, orders.oom_score);
    case Field::Limit: return add_limit(view, orders);
    case Field::Uid: return set(view, orders.uid);
    case Field::Gid: return set(view, orders.gid);
    case Field::Groups: return set_groups(view, orders);
    case Field::Fallback: return set(view, orders.fallback);
    case Field::Sockets: return set(view, orders.sockets);
    case Field::FileHead: return append(view, orders.file_head);
    case Field::BindFilter: return set(view, orders.bind_filter);
    }
    return false;
}

/// Makes the lists, each with room for what the fields of its kind number and the closing null.
bool make_lists(char* data, std::size_t size, Orders& orders) noexcept
{
    std::size_t counts[wire::kFieldCount] = {};
    std::size_t at = sizeof(wire::OrdersHeader);
    for (View view; next(data, size, at, view);) ++counts[static_cast<std::uint32_t>(view.field)];
    if (at != size) return false;
    const auto make = [&](Field field, Texts& texts) {
        texts.items = take_array<char*>(counts[static_cast<std::uint32_t>(field)] + 1);
        return texts.items != nullptr;
    };
    return make(Field::Argument, orders.arguments) && make(Field::FileHead, orders.file_head) && make(Field::Environment, orders.environment) &&
           make(Field::Base, orders.base) && make(Field::EnvironmentFile, orders.environment_files);
}

} // namespace

bool acceptable(const wire::OrdersHeader& header) noexcept
{
    return header.magic == wire::kOrdersMagic && header.version == wire::kVersion &&
           header.size >= sizeof(wire::OrdersHeader) && header.size <= wire::kMaxOrders &&
           header.size % wire::kAlign == 0;
}

bool decode(char* data, std::size_t size, Orders& orders) noexcept
{
    if (size < sizeof(wire::OrdersHeader)) return false;
    const auto& header = *reinterpret_cast<const wire::OrdersHeader*>(data);
    if (!acceptable(header) || header.size != size || !make_lists(data, size, orders)) return false;
    Number kind;
    Number flags;
    std::size_t at = sizeof(wire::OrdersHeader);
    for (View view; next(data, size, at, view);)
        if (!store(view, orders, kind, flags)) return false;
    if (kind.value < 0 || kind.value > static_cast<std::int64_t>(wire::CommandKind::Shell)) return false;
    orders.kind = static_cast<wire::CommandKind>(kind.value);
    orders.flags = flags.value;
    return orders.arguments.count > 0;
}

} // namespace pm::launch::exec
