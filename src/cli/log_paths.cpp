// SPDX-License-Identifier: Apache-2.0
#include "cli/log_paths.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

namespace pm::cli {

std::vector<std::string> faults_of_log_paths(const std::vector<model::AppSpec>& apps)
{
    std::vector<std::string> faults;
    for (const model::AppSpec& app : apps) {
        const auto check = [&](const char* key, const std::string& path) {
            struct stat status {};
            if (path.empty() || path == "default" || stat(path.c_str(), &status) < 0 || !S_ISDIR(status.st_mode)) return;
            faults.push_back(
                fmt::format("{} of '{}': '{}' is a directory, in which lines would be lost; name a file in it: '{}/{}.log'", key,
                            app.name, path, path == "/" ? "" : path, app.name.substr(app.name.rfind('/') + 1)));
        };
        if (app.logs.disable_logs) continue;
        check("out_file", app.logs.out_file);
        check("error_file", app.logs.error_file);
        check("log_file", app.logs.log_file);
    }
    return faults;
}

} // namespace pm::cli
