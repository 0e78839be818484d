// SPDX-License-Identifier: Apache-2.0
// A SavedApp as JSON text and back. Pure. The specs in it are app files (config::to_yaml), so that a newer pmd reads what
// an older one wrote by the rules it reads app files with.
#pragma once

#include "base/error.hpp"
#include "engine/saved.hpp"

#include <string>
#include <string_view>

namespace pm::daemon {

[[nodiscard]] std::string to_text(const engine::SavedApp& app);
/// The same with what spec_text() says of app.spec, which changes seldom and takes most of the time.
[[nodiscard]] std::string to_text(const engine::SavedApp& app, const std::string& spec);
[[nodiscard]] std::string spec_text(const model::AppSpec& spec);
/// Error: InvalidSpec, with what is wrong.
[[nodiscard]] base::Result<engine::SavedApp> saved_app_from(std::string_view text);

} // namespace pm::daemon
