// SPDX-License-Identifier: Apache-2.0
// Memory for one short life: taken from a fixed block or from mmap, never given back, and never without a bound.
#pragma once

#include <cstddef>

namespace pm::launch::exec {

/// `size` zeroed bytes aligned to 16; null when the kernel has none or `size` is over the bound (32 MiB in all).
[[nodiscard]] void* take(std::size_t size) noexcept;

/// An array of `count` zeroed elements, or null.
template <typename Type>
[[nodiscard]] Type* take_array(std::size_t count) noexcept
{
    if (count > (std::size_t{32} << 20U) / sizeof(Type)) return nullptr;
    return static_cast<Type*>(take(count * sizeof(Type)));
}

} // namespace pm::launch::exec
