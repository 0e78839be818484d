// SPDX-License-Identifier: Apache-2.0
#include "launch/process/encoder.hpp"

#include <cstring>

namespace pm::launch {
namespace {

template <typename Plain>
void append(std::string& bytes, const Plain& value)
{
    char raw[sizeof value];
    std::memcpy(raw, &value, sizeof value);
    bytes.append(raw, sizeof raw);
}

std::string_view up_to_nul(std::string_view text) noexcept { return text.substr(0, text.find('\0')); }

} // namespace

Encoder::Encoder()
{
    bytes_.reserve(4096);
    bytes_.resize(sizeof(wire::OrdersHeader));
}

void Encoder::begin(wire::Field field, std::size_t length)
{
    append(bytes_, wire::FieldHeader{static_cast<std::uint32_t>(field), static_cast<std::uint32_t>(length)});
}

void Encoder::pad() { bytes_.resize(wire::padded(bytes_.size())); }

void Encoder::text(wire::Field field, std::string_view value)
{
    value = up_to_nul(value);
    begin(field, value.size() + 1);
    bytes_.append(value).push_back('\0');
    pad();
}

void Encoder::assignment(wire::Field field, std::string_view name, std::string_view value)
{
    name = up_to_nul(name);
    value = up_to_nul(value);
    begin(field, name.size() + value.size() + 2);
    bytes_.append(name).append("=").append(value).push_back('\0');
    pad();
}

void Encoder::number(wire::Field field, std::int64_t value)
{
    begin(field, sizeof value);
    append(bytes_, value);
}

void Encoder::limit(int resource, std::uint64_t soft, std::uint64_t hard)
{
    begin(wire::Field::Limit, sizeof(wire::LimitOrder));
    append(bytes_, wire::LimitOrder{resource, soft, hard});
}

void Encoder::groups(std::span<const std::uint32_t> ids)
{
    begin(wire::Field::Groups, ids.size_bytes());
    for (const std::uint32_t id : ids) append(bytes_, id);
    pad();
}

std::string Encoder::finish()
{
    const wire::OrdersHeader header{wire::kOrdersMagic, wire::kVersion, static_cast<std::uint32_t>(bytes_.size()), 0};
    std::memcpy(bytes_.data(), &header, sizeof header);
    return std::move(bytes_);
}

} // namespace pm::launch
