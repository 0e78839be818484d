// SPDX-License-Identifier: Apache-2.0
#include "launch/process/sentences.hpp"

#include "base/text.hpp"
#include "launch/wire.hpp"
#include "model/app_spec.hpp"

#include <cerrno>
#include <cstring>

namespace pm::launch {
namespace {

using model::LaunchStage;
using wire::Form;

struct Step {
    std::string_view doing;
    std::string_view after; ///< behind the quoted object
};

/// One row per stage; the compiler checks that none is missing.
Step step_of(LaunchStage stage) noexcept
{
    switch (stage) {
    case LaunchStage::Resources: return {"starting a process", ""};
    case LaunchStage::Cgroup: return {"placing the process in cgroup", ""};
    case LaunchStage::Wire: return {"reading the orders of pmd", ""};
    case LaunchStage::Session: return {"making a session", ""};
    case LaunchStage::Stdio: return {"connecting stdin, stdout and stderr", ""};
    case LaunchStage::Listen: return {"handing over the sockets of listen", ""};
    case LaunchStage::Filter: return {"asking to hear of bind()", ""};
    case LaunchStage::Limits: return {"setting limit", ""};
    case LaunchStage::Nice: return {"setting nice", ""};
    case LaunchStage::OomScore: return {"setting oom_score_adj", ""};
    case LaunchStage::Umask: return {"setting umask", ""};
    case LaunchStage::Group: return {"changing to group", ""};
    case LaunchStage::User: return {"changing to user", ""};
    case LaunchStage::WorkingDirectory: return {"changing to directory", ""};
    case LaunchStage::EnvironmentFile: return {"reading environment file", ""};
    case LaunchStage::FindProgram: return {"finding program", " in PATH"};
    case LaunchStage::FindScript: return {"finding script", ""};
    case LaunchStage::FindInterpreter: return {"finding interpreter", " in PATH"};
    case LaunchStage::Execute: return {"executing", ""};
    }
    return {"starting", ""};
}

std::string quoted(std::string_view text) { return "'" + base::printable(text) + "'"; }

std::string why(int error) { return ": " + std::string(std::strerror(error)); }

std::string plain(LaunchStage stage, int error, std::string_view what)
{
    const Step step = step_of(stage);
    std::string sentence(step.doing);
    if (!what.empty()) {
        sentence += " " + quoted(what);
        const bool by_path = what.find('/') != std::string_view::npos;
        if (!by_path) sentence += step.after;
    }
    return sentence + why(error);
}

/// Why a process cannot be supervised with 'cluster: transparent'.
std::string filter_sentence(int error)
{
    const std::string sentence = plain(LaunchStage::Filter, error, {});
    switch (error) {
    case EBUSY: return sentence + " (another supervisor hears of its system calls already, as some container managers do)";
    case EINVAL:
    case ENOSYS: return sentence + " (this kernel does not have seccomp user notification)";
    case EPERM:
    case EACCES: return sentence + " (a sandbox around it forbids seccomp)";
    default: return sentence;
    }
}

std::string sentence_of(const wire::Report& report, LaunchStage stage, std::string_view first, std::string_view second)
{
    switch (static_cast<Form>(report.form)) {
    case Form::Plain:
        if (stage == LaunchStage::Limits)
            return plain(stage, report.error, model::resource_name(report.number));
        return stage == LaunchStage::Filter ? filter_sentence(report.error) : plain(stage, report.error, first);
    case Form::AsksFor:
        return "script " + quoted(first) + " asks for interpreter " + quoted(second) + why(report.error);
    case Form::NotExecutable: return quoted(first) + " is not executable (chmod +x)";
    case Form::IsDirectory: return quoted(first) + " is a directory";
    case Form::NoFormat:
        return "executing " + quoted(first) + why(report.error) +
               " (no program for this machine, and no script with a '#!' line; name an interpreter)";
    case Form::NoLoader:
        return "executing " + quoted(first) + ": the loader it was linked for is not there" + why(report.error);
    case Form::BadLine:
        return "reading environment file " + quoted(first) + ": line " + std::to_string(report.number) +
               " is not NAME=value";
    case Form::TooMuch:
        return "reading environment file " + quoted(first) + ": over 1 MiB or 4096 variables";
    }
    return plain(stage, report.error, first);
}

} // namespace

model::ExitInfo launch_failed(LaunchStage stage, int error, std::string sentence)
{
    model::ExitInfo exit;
    exit.kind = model::ExitInfo::Kind::LaunchFailed;
    exit.code = error;
    exit.stage = stage;
    exit.detail = std::move(sentence);
    return exit;
}

model::ExitInfo launch_failed(LaunchStage stage, int otherwise, const base::Error& error)
{
    return launch_failed(stage, error.system_error != 0 ? error.system_error : otherwise, error.message);
}

model::ExitInfo step_failed(LaunchStage stage, int error, std::string_view what)
{
    return launch_failed(stage, error, plain(stage, error, what));
}

model::ExitInfo from_report(std::string_view bytes)
{
    wire::Report report{};
    const auto malformed = [] { return step_failed(LaunchStage::Wire, EBADMSG, {}); };
    if (bytes.size() < sizeof report) return malformed();
    std::memcpy(&report, bytes.data(), sizeof report);
    const std::string_view texts = bytes.substr(sizeof report);
    if (report.magic != wire::kReportMagic || report.first > wire::kMaxReportText ||
        report.second > wire::kMaxReportText || report.first + report.second != texts.size() ||
        report.stage > static_cast<std::uint16_t>(LaunchStage::Execute) ||
        report.form > static_cast<std::uint16_t>(Form::TooMuch))
        return malformed();
    const auto stage = static_cast<LaunchStage>(report.stage);
    return launch_failed(stage, report.error,
                         sentence_of(report, stage, texts.substr(0, report.first), texts.substr(report.first)));
}

} // namespace pm::launch
