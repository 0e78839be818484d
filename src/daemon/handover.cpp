// SPDX-License-Identifier: Apache-2.0
#include "daemon/handover.hpp"

#include "base/text.hpp"

#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

namespace pm::daemon {
namespace {

// CBOR: lines may be cut in the middle of a character, which is no text for JSON.
using Json = nlohmann::json;

constexpr int kFormat = 1;
constexpr off_t kMostBytes = off_t{1} << 30;

/// A text alone is a line of which nothing was passed on, as earlier versions write all of them.
void put_lines(Json& to, const std::map<std::string, logs::BegunLine>& lines)
{
    Json& texts = to["begun_lines"] = Json::object();
    Json& open = to["open_lines"] = Json::object();
    for (const auto& [name, line] : lines) {
        texts[name] = line.text;
        if (line.open) open[name] = {{"in_file", line.in_file}, {"in_combined", line.in_combined}};
    }
}

std::map<std::string, logs::BegunLine> get_lines(const Json& from)
{
    std::map<std::string, logs::BegunLine> lines;
    for (const auto& [name, text] : from.at("begun_lines").items()) lines[name].text = text;
    if (const auto open = from.find("open_lines"); open != from.end())
        for (const auto& [name, place] : open->items()) {
            logs::BegunLine& line = lines[name];
            line.open = true;
            line.in_file = place.at("in_file");
            line.in_combined = place.at("in_combined");
        }
    return lines;
}

std::string to_bytes(const Handover& handover)
{
    const Whereabouts& where = handover.whereabouts;
    Json to{{"version", kFormat}, {"bus", where.bus}, {"launcher", where.launcher}, {"runtime_dir", where.runtime_dir},
            {"state_dir", where.state_dir}, {"apps", handover.apps}, {"launched", handover.launcher},
            {"pipes", handover.pipes}, {"sockets", handover.sockets},
            {"lock", handover.lock}, {"bus_daemon", handover.bus_daemon}, {"bus_pid", handover.bus_pid}};
    put_lines(to, handover.begun_lines);
    if (handover.state_lock >= 0) to["state_lock"] = handover.state_lock;
    if (handover.nofile) to["nofile"] = {handover.nofile->soft, handover.nofile->hard};
    std::string bytes;
    Json::to_cbor(to, bytes);
    return bytes;
}

base::Result<Handover> from_bytes(std::string_view bytes)
{
    try {
        const Json from = Json::from_cbor(bytes);
        if (const int format = from.at("version"); format != kFormat)
            return base::fail(base::ErrorCode::Failed,
                              fmt::format("the pmd that runs hands over in format {}, and this one reads {}: use 'systemctl restart pmd', or 'pmctl save', "
                                          "'pmctl kill' and 'pmctl resurrect'", format, kFormat));
        Handover handover;
        handover.whereabouts = {from.at("bus"), from.at("launcher"), from.at("runtime_dir"), from.at("state_dir")};
        handover.apps = from.at("apps");
        handover.launcher = from.at("launched");
        handover.begun_lines = get_lines(from);
        from.at("pipes").get_to(handover.pipes);
        from.at("sockets").get_to(handover.sockets);
        handover.lock = from.at("lock");
        handover.bus_daemon = from.at("bus_daemon");
        handover.bus_pid = from.at("bus_pid");
        handover.state_lock = from.value("state_lock", -1); // earlier ones had none
        if (const auto nofile = from.find("nofile"); nofile != from.end())
            handover.nofile = model::ResourceLimit{RLIMIT_NOFILE, nofile->at(0), nofile->at(1)};
        return handover;
    } catch (const std::exception& fault) {
        return base::fail(base::ErrorCode::Failed, fault.what());
    }
}

base::Result<std::string> read_all(int fd)
{
    struct stat status {};
    if (::fstat(fd, &status) < 0 || !S_ISREG(status.st_mode) || status.st_size > kMostBytes)
        return base::fail(base::ErrorCode::Failed, "it is no memory file of pmd");
    std::string bytes(static_cast<std::size_t>(status.st_size), '\0');
    for (std::size_t done = 0; done < bytes.size();) {
        const ssize_t got = ::pread(fd, bytes.data() + done, bytes.size() - done, static_cast<off_t>(done));
        if (got <= 0) return base::fail_errno("reading it", got < 0 ? errno : EIO);
        done += static_cast<std::size_t>(got);
    }
    return bytes;
}

/// `number` is the variable's value.
base::Result<Handover> read_handover(const char* number)
{
    const auto fd = base::parse_number<int>(number);
    if (!fd || *fd < 3) return base::fail(base::ErrorCode::Failed, "it names no descriptor");
    const base::Fd file(*fd);
    auto bytes = read_all(*fd);
    if (!bytes) return tl::unexpected(std::move(bytes).error());
    return from_bytes(*bytes);
}

} // namespace

std::vector<int> Handover::descriptors() const
{
    std::vector<int> all;
    for (const auto* named : {&pipes, &sockets})
        for (const auto& [name, fd] : *named) all.push_back(fd);
    for (const int fd : {lock, state_lock, bus_daemon})
        if (fd >= 0) all.push_back(fd);
    return all;
}

std::string to_bytes(const std::map<std::string, logs::BegunLine>& lines)
{
    Json to;
    put_lines(to, lines);
    std::string bytes;
    Json::to_cbor(to, bytes);
    return bytes;
}

std::optional<std::map<std::string, logs::BegunLine>> begun_lines_from(std::string_view bytes)
{
    try {
        return get_lines(Json::from_cbor(bytes));
    } catch (const std::exception&) {
        return std::nullopt;
    }
}

base::Result<base::Fd> to_memory(const Handover& handover)
{
    const std::string bytes = to_bytes(handover);
    base::Fd file(::memfd_create("pmd-handover", MFD_CLOEXEC));
    if (!file) return base::fail_errno("making a memory file", errno);
    for (std::size_t done = 0; done < bytes.size();) {
        const ssize_t put = ::write(file.get(), bytes.data() + done, bytes.size() - done);
        if (put <= 0) return base::fail_errno("writing a memory file", put < 0 ? errno : ENOSPC);
        done += static_cast<std::size_t>(put);
    }
    return file;
}

base::Result<std::optional<Handover>> look_at_handover()
{
    const std::string name(kHandoverVariable.substr(0, kHandoverVariable.size() - 1));
    const char* number = std::getenv(name.c_str());
    if (number == nullptr) return std::nullopt;
    auto handover = read_handover(number);
    ::unsetenv(name.c_str());
    if (handover) return std::optional(*std::move(handover));
    return base::fail(base::ErrorCode::Failed, "reading what the pmd before left (" + name + "): " + handover.error().message);
}

base::Result<std::optional<Handover>> take_handover()
{
    auto handover = look_at_handover();
    if (handover && *handover)
        for (const int fd : (*handover)->descriptors()) ::fcntl(fd, F_SETFD, FD_CLOEXEC);
    return handover;
}

} // namespace pm::daemon
