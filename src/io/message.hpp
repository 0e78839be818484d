// SPDX-License-Identifier: Apache-2.0
// What pmd says of itself, by kind: each kind has an id for ever, which the journal keeps as MESSAGE_ID and which the
// catalogue (systemd/pmd.catalog) explains: journalctl -x, journalctl MESSAGE_ID=...
#pragma once

#include "engine/ports.hpp"
#include "io/log.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace pm::io {

/// 32 hexadecimal digits; ids were made with 'systemd-id128 new' and never change or serve twice.
[[nodiscard]] std::string_view message_id(Message message) noexcept;

[[nodiscard]] Message message_of(engine::EventKind kind) noexcept;

/// The fields of the message about `event`: MESSAGE_ID, PM_APP, PM_INSTANCE (slot), PM_ID, PM_NAMESPACE, PM_GENERATION,
/// PM_EVENT; of an exit EXIT_CODE (exited, killed, dumped) and EXIT_STATUS as systemd has them, of a failed launch
/// PM_STAGE and ERRNO. `name_space` may be empty: not known.
[[nodiscard]] std::vector<LogField> event_fields(const engine::ProcessEvent& event, const std::string& name_space);

} // namespace pm::io
