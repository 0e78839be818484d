// SPDX-License-Identifier: Apache-2.0
#include "base/path.hpp"
#include "base/text.hpp"
#include "config/draft.hpp"
#include "config/readers.hpp"
#include "config/values.hpp"
#include "model/program.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace pm::config {
namespace {

/// The file name of the script without its last extension; of a line the same, as PM2 does.
std::string name_of(const std::string& script)
{
    const auto slash = script.find_last_of('/');
    std::string name = slash == std::string::npos ? script : script.substr(slash + 1);
    const auto dot = name.find_last_of('.');
    if (dot != std::string::npos && dot > 0) name.resize(dot);
    return std::string(base::trim(name));
}

void complete_name(Draft& draft, const Field& app)
{
    std::string& name = draft.spec.name;
    if (name.empty() && draft.spec.script.empty()) return;
    if (name.empty()) name = name_of(draft.spec.script);
    if (name == "." || name == "..") name = name_of(base::absolute_path(draft.spec.cwd, draft.spec.script)); // a directory's
    if (!draft.name_prefix.empty() && name.find(draft.name_prefix + ":") == std::string::npos)
        name = draft.name_prefix + ":" + name;
    if (draft.append_env_to_name && !draft.options.profile.empty()) name += "-" + draft.options.profile;
    if (draft.name_mark.line == 0) draft.name_mark = app.node().mark;
    const std::string_view fault = fault_of_name(name);
    const Path place(app.path(), "name");
    if (!fault.empty()) app.report().fault(draft.name_mark, place, std::string(fault));
}

void complete_paths(Draft& draft)
{
    const std::string& directory = draft.options.base_dir;
    model::AppSpec& spec = draft.spec;
    spec.cwd = base::absolute_path(directory, draft.cwd.empty() ? "." : draft.cwd);
    const auto place = [&](std::string& to, const std::string& path) {
        if (!path.empty()) to = base::absolute_path(spec.cwd, path);
    };
    place(spec.logs.out_file, draft.out_file);
    place(spec.logs.error_file, draft.error_file);
    place(spec.logs.log_file, draft.log_file);
    place(spec.pid_file, draft.pid_file);
    for (const std::string& path : draft.env_files) { // "-path" may be missing, as in EnvironmentFile= of systemd.exec(5)
        const bool optional = path.starts_with('-');
        spec.env_files.push_back((optional ? "-" : "") + base::absolute_path(spec.cwd, std::string_view(path).substr(optional ? 1 : 0)));
    }
}

void complete_env(Draft& draft)
{
    Variables& env = draft.spec.env;
    env.insert(draft.deploy_env.begin(), draft.deploy_env.end());
    for (auto& [name, value] : draft.profile) env[name] = std::move(value);
    if (draft.port) env["PORT"] = *draft.port;
    if (draft.drop_variable) env.erase(*draft.drop_variable);
    std::erase_if(env, [&](const auto& variable) {
        return std::any_of(draft.drop_containing.begin(), draft.drop_containing.end(),
                           [&](const std::string& part) { return variable.first.find(part) != std::string::npos; });
    });
    draft.spec.env_from_caller = draft.options.env_from_caller && !draft.drop_caller_env;
}

/// What only files have cannot be had in the journal.
void check_log_target(const Draft& draft, const Field& app)
{
    if (draft.spec.logs.to != model::LogTarget::Journal) return;
    std::vector<std::string_view> keys = model::file_keys(draft.spec.logs);
    if (draft.spec.logs.disable_logs) keys.emplace_back("disable_logs");
    if (keys.empty()) return;
    const Path logs(app.path(), "logs");
    const std::vector<std::string> names(keys.begin(), keys.end());
    app.report().fault(draft.log_target_mark, Path(logs, "to"),
                       fmt::format("'journal' does not go together with {}", base::join(names, ", ")));
}

} // namespace

void complete(Draft& draft, const Field& app)
{
    model::AppSpec& spec = draft.spec;
    if (!draft.has_script) app.fault("'script' is missing");
    complete_paths(draft);
    complete_name(draft, app);
    read::complete_listen(draft, app);
    complete_env(draft);
    read::resolve_program(draft, app);
    spec.kill_signal = draft.kill_signal.value_or(model::runs_on_node(spec.interpreter, spec.script) ? SIGINT : SIGTERM);
    read::complete_serving(draft, app);
    read::check_sandbox(draft, app);
    if (draft.time && spec.logs.date_format.empty()) spec.logs.date_format = "%Y-%m-%dT%H:%M:%S";
    check_log_target(draft, app);
    read::complete_watch(draft, app);
}

} // namespace pm::config
