// SPDX-License-Identifier: Apache-2.0
// Any bytes as an app file: no crash, no escape of an exception, and what is taken survives a round trip.
#include "config/app_file.hpp"
#include "config/settings.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace {

[[noreturn]] void broken(const char* promise, const std::string& text)
{
    std::fprintf(stderr, "broken promise: %s\n%s\n", promise, text.c_str());
    std::abort();
}

void check(const pm::config::AppFile& file, std::string_view text)
{
    for (const pm::config::Diagnostic& one : file.diagnostics) {
        if (one.message.empty()) broken("a diagnostic says something", std::string(text));
        static_cast<void>(to_string(one, "fuzz"));
    }
    if (!file.ok() && !file.apps.empty()) broken("no apps when there are faults", std::string(text));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    pm::config::ParseOptions options;
    options.home = "/home/u";
    options.profile = size % 2 == 0 ? "prod" : "";
    const pm::config::AppFile file = parse_app_file(text, options);
    check(file, text);
    options.profile.clear();
    for (const pm::model::AppSpec& spec : file.apps) {
        const std::string written = pm::config::to_yaml(spec, false);
        const pm::config::AppFile again = parse_app_file(written, options);
        if (!again.ok()) broken("a spec's own file is right", written + to_string(again.diagnostics.front(), "again"));
        if (again.apps.size() != 1 || again.apps.front() != spec) broken("a spec's own file is that spec", written);
    }
    static_cast<void>(pm::config::parse_settings(text));
    return 0;
}
