// SPDX-License-Identifier: Apache-2.0
// Which of the files below the watched paths count.
#pragma once

#include "base/error.hpp"
#include "watch/settings.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace re2 {
class RE2;
}

namespace pm::watch {

/// One of Settings::paths: where looking begins, and what below it counts.
struct Root {
    std::string path;                       ///< absolute
    std::shared_ptr<const re2::RE2> counts; ///< of absolute paths; null: everything below
};

class Filter {
public:
    /// Error: a pattern is none.
    [[nodiscard]] static base::Result<Filter> make(const Settings& settings);

    [[nodiscard]] const std::vector<Root>& roots() const noexcept { return roots_; }
    /// Whether `path`, which is below root.path, is left out with all that is in it: for ignore_watch, as pmd writes it
    /// itself, or as the name of it, or of a directory on the way from the root to it, is node_modules or begins with a dot.
    [[nodiscard]] bool ignores(const Root& root, std::string_view path) const;
    [[nodiscard]] static bool counts(const Root& root, std::string_view path);

private:
    std::vector<Root> roots_;
    std::shared_ptr<const re2::RE2> ignored_; ///< null: nothing is
};

} // namespace pm::watch
