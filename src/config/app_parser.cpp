// SPDX-License-Identifier: Apache-2.0
// The forms of an app file (apps: | pm2: | a list | one app) and the checks that span its apps.
#include "base/text.hpp"
#include "config/app_file.hpp"
#include "config/app_keys.hpp"
#include "config/readers.hpp"
#include "model/dependency_order.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <unordered_map>

namespace pm::config {
namespace {

class Parser {
public:
    Parser(const ParseOptions& options, Report& report) : options_(options), report_(report) {}

    void file(const Field& root);
    void finish();
    /// The apps and the names, once it is finished.
    void give(AppFile& file);

private:
    void sections(const Field& root);
    void section(std::string_view key, const Field& field);
    void deploy(const Field& section);
    void apps(const Field& list);
    void app(const Field& field, bool is_root);
    void check_unique(const Draft& draft, const Field& app);
    void check_dependencies();
    void warn_of_endless(const model::AppSpec& app, const std::unordered_map<std::string_view, const model::AppSpec*>& by_name);
    void keep_only();

    const ParseOptions& options_;
    Report& report_;
    std::vector<model::AppSpec> apps_;
    std::vector<std::string> names_; ///< of all of them, before keep_only()
    std::unordered_map<std::string, std::uint32_t> lines_; ///< of names
    std::unordered_map<std::string, Mark> dependency_marks_; ///< where depends_on stands, by the name of its app
    std::string_view apps_key_;                            ///< "apps" or "pm2", once seen
    bool profile_found_ = false;
    Variables deploy_env_; ///< PM2: deploy.<profile>.env lies below the env of every app
};

constexpr std::array<std::string_view, 5> kSections{"apps", "pm2", "deploy", "static", "$schema"};

/// A map that is one app has a key of an app and none that holds apps.
bool is_single_app(const Node& root, Dialect dialect)
{
    if (dialect == Dialect::Package) return false; // name and the like are npm's
    if (root.find("apps") != nullptr || root.find("pm2") != nullptr) return false;
    return std::any_of(root.entries.begin(), root.entries.end(),
                       [](const Node::Entry& entry) { return app_keys().index().row(entry.key).has_value(); });
}

/// Keys at the top that hold what anchors are set at, and mean nothing by themselves (as in compose files).
bool is_extension(std::string_view key) noexcept { return key.starts_with("x-"); }

void Parser::file(const Field& root)
{
    if (!options_.profile.empty())
        root.each_entry([&](std::string_view key, const Field& field) { if (key == "deploy") deploy(field); });
    switch (root.node().kind) {
    case Node::Kind::List: return apps(root);
    case Node::Kind::Map: return is_single_app(root.node(), report_.dialect()) ? app(root, true) : sections(root);
    case Node::Kind::Null:
    case Node::Kind::Scalar: break;
    }
    root.expected("'apps:' with a list of apps");
}

void Parser::sections(const Field& root)
{
    const std::size_t faults = report_.faults();
    root.each_entry([&](const std::string& key, const Field& field) { section(key, field); });
    if (!apps_key_.empty() || report_.faults() != faults) return;
    root.fault(report_.dialect() == Dialect::Package ? "no apps: expected 'apps' or 'pm2' with a list of apps"
                                                     : "no apps: expected 'apps:' with a list of apps");
}

void Parser::deploy(const Field& section)
{
    section.each_entry([&](std::string_view target, const Field& field) {
        if (target != options_.profile || !field.is(Node::Kind::Map)) return;
        field.each_entry([&](std::string_view key, const Field& env) {
            if (key != "env" || !env.is(Node::Kind::Map)) return;
            Draft draft(options_);
            read::env(draft, env);
            deploy_env_ = std::move(draft.spec.env);
            profile_found_ = true;
        });
    });
}

void Parser::section(std::string_view key, const Field& field)
{
    if (key == "apps" || key == "pm2") {
        if (!apps_key_.empty()) return field.key_left_out(fmt::format("means the same as '{}', which is given too", apps_key_));
        apps_key_ = key == "apps" ? "apps" : "pm2";
        return apps(field);
    }
    if (key == "$schema") return;
    if (key == "deploy" || is_extension(key) || report_.dialect() == Dialect::Package) return;
    if (key == "static") {
        if (!field.asks_for_nothing()) field.key_warning("nothing is served: pmd serves no static files yet");
        return;
    }
    if (key.size() > 40 || report_.faults() > Report::kMaxDiagnostics) return field.key_fault("unknown key");
    const auto suggestion = base::nearest(key, kSections);
    field.key_left_out(suggestion ? fmt::format("unknown key, did you mean '{}'?", *suggestion) : "unknown key, a file has apps");
}

void Parser::apps(const Field& list)
{
    if (list.is(Node::Kind::Scalar)) return list.expected("a list of apps");
    if (list.asks_for_nothing()) return list.key_warning("there are no apps in it");
    list.each_item([&](const Field& field) { app(field, false); });
}

void Parser::app(const Field& field, bool is_root)
{
    if (!field.is(Node::Kind::Map)) return field.expected("a map with the keys of an app");
    Draft draft(options_);
    draft.deploy_env = deploy_env_;
    app_keys().read(draft, field, [&](std::string_view key, const Field& value) {
        if (is_root && (key == "$schema" || is_extension(key))) return true;
        if (is_root && (key == "deploy" || key == "static")) return section(key, value), true;
        return read::profile(draft, key, value);
    });
    complete(draft, field);
    profile_found_ = profile_found_ || draft.has_profile;
    if (draft.spec.name.empty()) return;
    check_unique(draft, field);
    if (!draft.spec.depends_on.empty()) dependency_marks_.emplace(draft.spec.name, draft.depends_on_mark);
    apps_.push_back(std::move(draft.spec));
}

void Parser::check_unique(const Draft& draft, const Field& app)
{
    const std::string& name = draft.spec.name;
    const auto [first, fresh] = lines_.emplace(name, draft.name_mark.line);
    if (fresh) return;
    const Path place(app.path(), "name");
    report_.fault(draft.name_mark, place,
                  options_.evaluated ? fmt::format("the name '{}' is taken by another app", base::printable(name))
                                     : fmt::format("the name '{}' is taken by the app at line {}", base::printable(name), first->second));
}

/// Apps that are elsewhere are looked for when the file is loaded.
void Parser::check_dependencies()
{
    if (dependency_marks_.empty()) return;
    std::vector<model::DependencyNode> nodes;
    for (const model::AppSpec& spec : apps_) nodes.push_back({spec.name, &spec.depends_on});
    const auto cycle = model::dependency_cycle(nodes);
    if (!cycle.empty())
        report_.fault(dependency_marks_.at(cycle.front()), {},
                      "apps depend on each other in a circle: " + base::printable(base::join(cycle, " -> ")));
    std::unordered_map<std::string_view, const model::AppSpec*> by_name;
    for (const model::AppSpec& spec : apps_) by_name.emplace(spec.name, &spec);
    for (const model::AppSpec& spec : apps_) warn_of_endless(spec, by_name);
}

/// PM2's default starts again what ended with code 0, and then it never completes.
void Parser::warn_of_endless(const model::AppSpec& app, const std::unordered_map<std::string_view, const model::AppSpec*>& by_name)
{
    for (const auto& [name, condition] : app.depends_on) {
        if (condition != model::DependencyCondition::Completed) continue;
        const auto found = by_name.find(name);
        if (found == by_name.end()) continue;
        const model::RestartPolicy& restart = found->second->restart;
        if (!restart.autorestart || std::ranges::count(restart.stop_exit_codes, 0) > 0) continue;
        report_.warning(dependency_marks_.at(app.name), {},
                        fmt::format("'{}' never completes, as it is started again: give it 'stop_exit_codes: [0]'", base::printable(name)));
    }
}

void Parser::keep_only()
{
    if (options_.only.empty()) return;
    constexpr std::size_t kMaxListed = 20;
    for (const std::string& wanted : options_.only) {
        if (std::find(names_.begin(), names_.end(), wanted) != names_.end()) continue;
        const std::span<const std::string> listed(names_.data(), std::min(names_.size(), kMaxListed));
        report_.fault({}, {}, fmt::format("there is no app '{}', there {} {}{}", base::printable(wanted),
                                          names_.size() == 1 ? "is" : "are", names_.empty() ? "none" : base::join(listed, ", "),
                                          names_.size() > kMaxListed ? " and more" : ""));
    }
    std::erase_if(apps_, [&](const model::AppSpec& spec) {
        return std::find(options_.only.begin(), options_.only.end(), spec.name) == options_.only.end();
    });
}

void Parser::finish()
{
    for (const model::AppSpec& spec : apps_) names_.push_back(spec.name);
    check_dependencies();
    keep_only();
    if (!options_.profile.empty() && !profile_found_)
        report_.warning({}, {}, fmt::format("no app has 'env_{}'", base::printable(options_.profile)));
}

void Parser::give(AppFile& file)
{
    file.apps = std::move(apps_);
    file.names = std::move(names_);
}

void parse(std::string_view text, const ParseOptions& options, Report& report, AppFile& file)
{
    TreeLimits limits;
    limits.max_bytes = options.max_bytes;
    limits.max_top_items = options.max_apps;
    const Tree tree = read_yaml(text, limits, report);
    if (tree.root == nullptr || tree.root->kind == Node::Kind::Null) {
        if (report.faults() == 0) report.fault({}, {}, "the file is empty: expected 'apps:' with a list of apps");
        return;
    }
    const Path here;
    Parser parser(options, report);
    parser.file(Field(*tree.root, tree.root->mark, here, report));
    parser.finish();
    parser.give(file);
}

} // namespace

AppFile parse_app_file(std::string_view text, const ParseOptions& options)
{
    AppFile file;
    try {
        Report report(options.dialect);
        parse(text, options, report, file);
        file.diagnostics = report.take();
        if (options.evaluated)
            for (Diagnostic& diagnostic : file.diagnostics) diagnostic.line = diagnostic.column = 0;
    } catch (const std::exception& fault) { // out of memory: the promise is that nothing escapes
        file.diagnostics.push_back({Severity::Error, 0, 0, {}, std::string("the file cannot be read: ") + fault.what()});
    }
    if (!file.ok()) file.apps.clear();
    return file;
}

} // namespace pm::config
