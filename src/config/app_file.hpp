// SPDX-License-Identifier: Apache-2.0
// Text of an app file (YAML, and so JSON) to AppSpecs, with every fault of the file in one go.
//
// The only folder that sees yaml-cpp. Pure: takes a string, opens nothing, knows no user database and no file system.
// One table (config/schema.*) says which keys there are, their aliases, types, units, defaults and meaning; parser,
// suggestions, JSON schema and the key list of pmd.app(5) come from it.
#pragma once

#include "model/app_spec.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pm::config {

enum class Severity { Error, Warning };

struct Diagnostic {
    Severity severity = Severity::Error;
    std::uint32_t line = 0;   ///< from 1; 0: the fault has no place
    std::uint32_t column = 0; ///< from 1
    std::string path;         ///< "apps[0].restart_delay"; may be empty
    std::string message;      ///< "unknown key, did you mean 'restart_delay'?"
};

/// "app.yaml:7:5: apps[0].restrat: unknown key, did you mean 'restart'?"
[[nodiscard]] std::string to_string(const Diagnostic& diagnostic, std::string_view file);

/// How strictly a file is read. Own: every fault counts. Pm2: it has one of PM2's names, and what PM2 leaves out silently
/// (keys it does not know, a second name of a key) is a warning. Package: the same for a package.json, whose other keys are npm's.
enum class Dialect { Own, Pm2, Package };
/// "own", "pm2", "package".
[[nodiscard]] std::string_view to_string(Dialect dialect) noexcept;
[[nodiscard]] std::optional<Dialect> dialect_from(std::string_view name) noexcept;

struct ParseOptions {
    std::string base_dir = "/";        ///< absolute; relative cwd, files and scripts of the file are seen from here
    std::string home;                  ///< what "~" means; empty: "~" is a fault
    std::string profile;               ///< --env: merge env_<profile>; empty: none
    std::string name_space;            ///< for apps that name none; empty: "default"
    std::vector<std::string> only;     ///< keep these apps; a name that is not in the file is a fault
    std::size_t max_bytes = 4u << 20;  ///< larger texts are refused unread
    std::size_t max_apps = 10'000;
    std::string launcher;              ///< who will start the apps, "direct" or "systemd"; empty: not known yet
    bool journal = true;               ///< false: apps cannot write to the journal, and to ask for it is a fault
    bool env_from_caller = false;      ///< mark the specs so (a start from the command line)
    Dialect dialect = Dialect::Own;
    /// What base::file_fact() says of an absolute path that the program of this app may be at, asked with rights that the app has;
    /// nothing: there is no such file, or it is not known. Null: only the spelling tells what runs an app.
    std::function<std::optional<std::string>(const model::AppSpec&, const std::string& path)> look;
    std::string path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"; ///< PATH of apps that set none
    bool evaluated = false;            ///< a program made the text: lines and columns of it tell nobody anything
};

struct AppFile {
    std::vector<model::AppSpec> apps;      ///< usable only when ok()
    std::vector<std::string> names;        ///< of every app of the text, also of those that `only` leaves out
    std::vector<Diagnostic> diagnostics;   ///< in order of position
    [[nodiscard]] bool ok() const noexcept;
};

/// Never throws, whatever the text is; memory and time stay proportional to it (alias bombs, deep nesting and
/// megabyte scalars are faults).
[[nodiscard]] AppFile parse_app_file(std::string_view text, const ParseOptions& options);

/// In place of what may be secret.
inline constexpr std::string_view kMask = "********";

/// The spec as an app file that parses back to it. `mask` replaces what may be secret by kMask: values of env,
/// arguments, those of a check's command or in its URL, and of a script that is a command line what follows its first word.
[[nodiscard]] std::string to_yaml(const model::AppSpec& spec, bool mask);

/// schemas/app.schema.json, made from the table; a test holds the file to it.
[[nodiscard]] std::string json_schema();
/// The key list of pmd.app(5) in roff, made from the table; a test holds the man page to it.
[[nodiscard]] std::string man_page_keys();

} // namespace pm::config
