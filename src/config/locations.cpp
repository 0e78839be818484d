// SPDX-License-Identifier: Apache-2.0
#include "config/settings.hpp"

#include "base/text.hpp"

#include <algorithm>

namespace pm::config {
namespace {

constexpr uid_t kRoot = 0;

class Finder {
public:
    Finder(uid_t uid, const std::string& home, const Environment& environment, const Machine& machine)
        : environment_(environment), machine_(machine), uid_(uid), home_(absolute("HOME").value_or(home)) {}

    /// The first is where pmd runs when it is started; the others are where one may run by now. Each once.
    [[nodiscard]] std::vector<std::string> runtime_dirs(BusKind bus) const
    {
        if (auto given = absolute("PMD_RUNTIME_DIR")) return {*given};
        if (bus == BusKind::System) return {"/run/pmd"};
        std::vector<std::string> all;
        const auto also = [&](std::string path) {
            if (std::ranges::find(all, path) == all.end()) all.push_back(std::move(path));
        };
        if (auto runtime = absolute("XDG_RUNTIME_DIR")) also(*runtime + "/pmd");
        if (uid_ == kRoot) also("/run/pmd");
        if (!machine_.user_runtime_dir.empty()) also(machine_.user_runtime_dir + "/pmd");
        if (uid_ == kRoot) return all;
        if (const std::string in_state = state_dir(bus) + "/run-" + machine_.host; in_state.size() <= kLongest) also(in_state);
        also("/tmp/pmd-" + std::to_string(uid_)); // guessable, and cleaned: the last resort
        return all;
    }
    [[nodiscard]] std::string state_dir(BusKind bus) const
    {
        if (auto given = absolute("PMD_STATE_DIR")) return *given;
        if (bus == BusKind::System || uid_ == kRoot) return "/var/lib/pmd";
        if (auto state = absolute("XDG_STATE_HOME")) return *state + "/pmd";
        return home_ + "/.local/state/pmd";
    }
    [[nodiscard]] std::string settings_file(BusKind bus) const
    {
        if (bus == BusKind::System || uid_ == kRoot) return "/etc/pmd/pmd.yaml";
        if (auto config = absolute("XDG_CONFIG_HOME")) return *config + "/pmd/pmd.yaml";
        return home_ + "/.config/pmd/pmd.yaml";
    }

private:
    /// XDG Base Directory Specification: a path that is not absolute is as if it were not set.
    [[nodiscard]] std::optional<std::string> absolute(const std::string& variable) const
    {
        auto value = environment_(variable);
        if (!value || !value->starts_with('/')) return std::nullopt;
        while (value->size() > 1 && value->back() == '/') value->pop_back();
        return value;
    }

    /// "/notify-4194304" must fit behind it into the 107 bytes of a socket's path.
    static constexpr std::size_t kLongest = 92;

    const Environment& environment_;
    const Machine& machine_;
    uid_t uid_;
    std::string home_;
};

/// D-Bus Specification, "Server Addresses": other bytes than these are written as %xx.
std::string escaped(const std::string& path)
{
    constexpr std::string_view kDigits = "0123456789abcdef";
    constexpr std::string_view kPlain = "-_/\\*.";
    std::string text;
    for (char c : path) {
        const bool letter = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        if (letter || kPlain.find(c) != std::string_view::npos) {
            text += c;
            continue;
        }
        const auto byte = static_cast<unsigned char>(c);
        text += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
    }
    return text;
}

} // namespace

KeptApps kept_with_units(const std::string& runtime_dir) { return {runtime_dir + "/apps", {}}; }

/// The pmd of the system bus and another one of root may share a state directory.
KeptApps kept_for_life(const std::string& state_dir, BusKind bus, const std::string& life)
{
    const std::string directory = state_dir + (bus == BusKind::System ? "/running-system-" : "/running-") + life;
    return {directory, directory + "/launched"};
}

std::string embedded_address(const std::string& runtime_dir) { return "unix:path=" + escaped(runtime_dir) + "/bus"; }

Locations locations(BusKind bus, uid_t uid, const std::string& home, const Environment& environment, const Machine& machine)
{
    const Finder finder(uid, home, environment, machine);
    Locations places;
    places.other_runtime_dirs = finder.runtime_dirs(bus);
    places.runtime_dir = places.other_runtime_dirs.front();
    places.other_runtime_dirs.erase(places.other_runtime_dirs.begin());
    places.state_dir = finder.state_dir(bus);
    places.settings_file = finder.settings_file(bus);
    places.embedded_address = embedded_address(places.runtime_dir);
    if (bus != BusKind::Embedded)
        places.apps_dir = places.settings_file.substr(0, places.settings_file.rfind('/')) + "/apps.d";
    return places;
}

base::Result<void> check_locations(const Environment& environment)
{
    for (const char* name : {"PMD_RUNTIME_DIR", "PMD_STATE_DIR"}) {
        const auto value = environment(name);
        if (value && !base::is_valid_utf8(*value))
            return base::fail(base::ErrorCode::InvalidArgument, std::string(name) + " is not UTF-8, and D-Bus carries nothing else");
        if (!value || value->empty() || value->starts_with('/')) continue;
        return base::fail(base::ErrorCode::InvalidArgument,
                          std::string(name) + " is '" + *value + "': it must be an absolute path, or unset");
    }
    return {};
}

} // namespace pm::config
