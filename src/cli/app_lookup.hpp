// SPDX-License-Identifier: Apache-2.0
// What a word on the command line of `start` is: an app file, an app that pmd knows, a script or a command line.
#pragma once

#include "cli/client.hpp"
#include "config/app_file.hpp"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pm::cli {

enum class WordKind {
    AppFile,  ///< ends in .yaml, .yml, .json, .json5, .config.js (.cjs, .mjs, .ts, .cts, .mts), or is "-"
    Word,     ///< an app's name, namespace or id, "all", /regex/, or a script
};
[[nodiscard]] WordKind kind_of(std::string_view word);

/// Whether `word` selects some of `rows`, as pmd's targets do.
[[nodiscard]] bool selects(std::string_view word, const std::vector<Row>& rows);

/// Whether `word` is an app's name though it looks like an app file's: there is no such file, seen from `cwd`.
[[nodiscard]] bool names_app_only(const std::string& word, const std::string& cwd, const std::vector<Row>& rows);

/// Finds a script: absolute path of a file seen from `cwd`, the word itself when it is a command line (has spaces) or a
/// program found in `path` (as of PATH). Empty: nothing of the kind.
[[nodiscard]] std::string find_script(const std::string& word, const std::string& cwd, std::string_view path);

/// The absolute path of `word` seen from `cwd` if that is a file; else empty.
[[nodiscard]] std::string file_path(const std::string& word, const std::string& cwd);

/// Whether the app file of this name is a program, whose exports are the apps.
[[nodiscard]] bool is_javascript(std::string_view file);

/// Pm2 for the names that PM2's users give to their files: JavaScript, and what has ecosystem or pm2 in its name or is called process
/// or processes. Package: package.json.
[[nodiscard]] config::Dialect dialect_of(std::string_view file);

/// What `start` alone takes: ecosystem.config.js, or another of the usual names; empty: there is none in `directory`.
[[nodiscard]] std::string default_app_file(const std::string& directory);
/// All of these names, for messages.
[[nodiscard]] std::span<const std::string_view> default_app_files();

/// PM2's default name: the file's name without its extension; of a command line its first word's.
[[nodiscard]] std::string default_name(std::string_view script);
/// The same of a path, which may have spaces.
[[nodiscard]] std::string name_of_file(std::string_view path);

} // namespace pm::cli
