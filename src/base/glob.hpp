// SPDX-License-Identifier: Apache-2.0
// Patterns of paths as shells and PM2 (through picomatch) write them:
//
//   *        any text without '/'           ?        one character but '/'
//   **       any text, with its '/'         [a-z]    one of these, [!a-z] any other, but '/'
//   {a,b}    one of these                   @(a|b) ?(a|b) *(a|b) +(a|b)   so many of these, as in ksh(1)
//   \c       the character itself
//
// A name that begins with a dot is matched like any other.
#pragma once

#include "base/error.hpp"

#include <string>
#include <string_view>

namespace pm::base {

/// Has it anything but characters that stand for themselves?
[[nodiscard]] bool is_glob(std::string_view text) noexcept;
/// The part before the first component that is_glob(): "src" of "src/**/*.js"; empty for "*.js", "/" for "/*".
[[nodiscard]] std::string_view fixed_part(std::string_view glob) noexcept;
/// The same as a regular expression that re2(3) and ECMAScript read, without anchors. Error: InvalidArgument, a clause
/// such as "'[' is not closed".
[[nodiscard]] Result<std::string> regex_of_glob(std::string_view glob);
/// Matches `text` itself.
[[nodiscard]] std::string regex_of_text(std::string_view text);

} // namespace pm::base
