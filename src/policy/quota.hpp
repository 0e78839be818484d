// SPDX-License-Identifier: Apache-2.0
// What the apps of one ordinary user may come to, and what is kept of an app.
#pragma once

#include "base/error.hpp"
#include "model/app_spec.hpp"

#include <cstddef>
#include <cstdint>
#include <sys/types.h>

namespace pm::policy {

/// How much there is of something that users share, or may be of it.
struct Usage {
    std::uint64_t apps = 0;
    std::uint64_t instances = 0;
    std::uint64_t bytes = 0; ///< of what pmd keeps of them, in memory and below /run
    std::uint64_t sockets = 0; ///< that pmd holds for them (`listen`)

    Usage& operator+=(const Usage& more) noexcept;
};

/// What a spec, with its environment, comes to where it is kept.
[[nodiscard]] std::uint64_t bytes_of(const model::AppSpec& spec);
/// What an app takes beside its specs, and each of its instances beside that.
inline constexpr std::uint64_t kBytesOfApp = 2048;
inline constexpr std::uint64_t kBytesOfInstance = 1024;

struct QuotaBounds {
    Usage of_user{200, 400, 8u << 20, 256};
    Usage of_all{10'000, 10'000, 0, 8'192}; ///< masters' too; bytes are not bounded together
};

/// What there is already: of the user who wants more, of all ordinary users, and of everybody.
struct QuotaUsage {
    Usage user, users, all;
};

/// Whether `more` may come for the user `uid`; `master`: for root or the user pmd runs as, who are bound by `of_all` alone, and
/// of it have a quarter that nobody else reaches. Error: LimitExceeded; it names the bound, its setting, and what to do.
[[nodiscard]] base::Result<void> check_quota(const QuotaBounds& bounds, const QuotaUsage& present, const Usage& more, uid_t uid, bool master);

} // namespace pm::policy
