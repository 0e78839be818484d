// SPDX-License-Identifier: Apache-2.0
// Makers of all commands, one in each file of this folder.
#pragma once

#include "cli/command.hpp"

namespace pm::cli {

std::unique_ptr<Command> make_completion();
std::unique_ptr<Command> make_daemon();
std::unique_ptr<Command> make_delete();
std::unique_ptr<Command> make_describe();
std::unique_ptr<Command> make_env();
std::unique_ptr<Command> make_flush();
std::unique_ptr<Command> make_rotate();
std::unique_ptr<Command> make_reload_logs();
std::unique_ptr<Command> make_help();
std::unique_ptr<Command> make_id();
std::unique_ptr<Command> make_kill();
std::unique_ptr<Command> make_list();
std::unique_ptr<Command> make_logs();
std::unique_ptr<Command> make_messages();
std::unique_ptr<Command> make_pid();
std::unique_ptr<Command> make_ping();
std::unique_ptr<Command> make_reset();
std::unique_ptr<Command> make_restart();
std::unique_ptr<Command> make_reload();
std::unique_ptr<Command> make_send();
std::unique_ptr<Command> make_resurrect();
std::unique_ptr<Command> make_save();
std::unique_ptr<Command> make_scale();
std::unique_ptr<Command> make_signal();
std::unique_ptr<Command> make_start();
std::unique_ptr<Command> make_start_or_restart();
std::unique_ptr<Command> make_start_or_reload();
std::unique_ptr<Command> make_stop();
std::unique_ptr<Command> make_trigger();
std::unique_ptr<Command> make_update();
std::unique_ptr<Command> make_validate();
std::unique_ptr<Command> make_version();

} // namespace pm::cli
