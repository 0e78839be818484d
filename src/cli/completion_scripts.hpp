// SPDX-License-Identifier: Apache-2.0
// The files of completions/, built into pmctl (embed_completions makes the source of it).
#pragma once

#include <string_view>

namespace pm::cli {

extern const std::string_view kBashCompletion;
extern const std::string_view kZshCompletion;
extern const std::string_view kFishCompletion;

} // namespace pm::cli
