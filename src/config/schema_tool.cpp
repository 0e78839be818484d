// SPDX-License-Identifier: Apache-2.0
// pm-schema: prints what is made from the key table, for the files that are committed. Built, not installed.
#include "config/app_file.hpp"

#include <cstdio>
#include <string_view>

int main(int count, char** arguments)
{
    const std::string_view what = count == 2 ? arguments[1] : "";
    if (what != "schema" && what != "man") {
        std::fputs("usage: pm-schema schema|man\n", stderr);
        return 2;
    }
    const std::string text = what == "schema" ? pm::config::json_schema() : pm::config::man_page_keys();
    return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() ? 0 : 1;
}
