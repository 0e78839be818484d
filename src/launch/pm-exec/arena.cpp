// SPDX-License-Identifier: Apache-2.0
#include "launch/pm-exec/arena.hpp"

#include "launch/pm-exec/sys.hpp"

#include <sys/mman.h>

namespace pm::launch::exec {
namespace {

constexpr std::size_t kBlock = 32U << 10U; ///< enough for nearly every app, without a system call
constexpr std::size_t kChunk = 1U << 20U;
constexpr std::size_t kBound = 32U << 20U;

alignas(16) char block[kBlock];
char* next_free = block;
std::size_t left = kBlock;
std::size_t mapped = 0;

} // namespace

void* take(std::size_t size) noexcept
{
    if (size > kBound) return nullptr;
    size = (size + 15U) & ~std::size_t{15};
    if (size > left) {
        const std::size_t chunk = size > kChunk ? size : kChunk;
        if (chunk > kBound - mapped) return nullptr;
        const long address = sys::call(SYS_mmap, 0L, chunk, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
        if (address < 0 && address > -4096) return nullptr;
        mapped += chunk;
        next_free = reinterpret_cast<char*>(address);
        left = chunk;
    }
    char* const result = next_free;
    next_free += size;
    left -= size;
    return result;
}

} // namespace pm::launch::exec
