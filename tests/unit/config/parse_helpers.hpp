// SPDX-License-Identifier: Apache-2.0
// Short ways to parse in tests, and to say what came out.
#pragma once

#include "config/app_file.hpp"

#include <gtest/gtest.h>
#include <string>
#include <string_view>
#include <vector>

namespace pm::config::test {

inline ParseOptions options()
{
    ParseOptions given;
    given.base_dir = "/srv";
    given.home = "/home/ann";
    return given;
}

inline AppFile parse(std::string_view text) { return parse_app_file(text, options()); }

/// Every diagnostic as "line:column path: message", warnings marked.
inline std::vector<std::string> said(const AppFile& file)
{
    std::vector<std::string> lines;
    for (const Diagnostic& one : file.diagnostics) {
        std::string line = to_string(one, "f");
        lines.push_back(line.substr(line.find(one.line == 0 ? ' ' : ':') + 1));
    }
    return lines;
}

/// The only app of a text that must be right.
inline model::AppSpec app(std::string_view text)
{
    const AppFile file = parse(text);
    EXPECT_TRUE(file.ok()) << text << "\n" << (file.diagnostics.empty() ? "" : to_string(file.diagnostics[0], "f"));
    if (file.apps.size() == 1) return file.apps.front();
    ADD_FAILURE() << file.apps.size() << " apps in: " << text;
    return {};
}

} // namespace pm::config::test
