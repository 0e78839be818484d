// SPDX-License-Identifier: Apache-2.0
// Who may do what on the system bus: as root, as the owner of an app, as a stranger, and with what polkit says.
#include "system_bus.hpp"

#include <algorithm>
#include <array>
#include <csignal>
#include <filesystem>
#include <grp.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace pm::test {
namespace {

constexpr const char* kNotAuthorized = "org.pmd1.Error.NotAuthorized";
constexpr const char* kSecret = "hunter2";
using Mode = FakePolkit::Mode;

/// An app that prints a line and lasts, with a secret in its environment and one in its arguments.
std::string lasting(const std::string& name, const std::string& more = "")
{
    return "{name: " + name + ", script: /bin/sh, cwd: /, args: [\"-c\", \"echo said by $WHO; exec sleep 1000 # hunter2\"], env: {WHO: hunter2}" +
           (more.empty() ? "" : ", " + more) + "}";
}

std::vector<sdbus::ObjectPath> load_as(User& user, const std::string& yaml, Options options = {})
{
    return user.manager->Load(yaml, "stdin", options);
}

/// The real user and group of a process.
std::pair<uid_t, gid_t> rights_of(pid_t pid)
{
    struct stat status {};
    EXPECT_EQ(stat(("/proc/" + std::to_string(pid)).c_str(), &status), 0) << pid;
    return {status.st_uid, status.st_gid};
}

class AuthorizationTest : public SystemBusTest {
protected:
    using Call = std::function<void(User&)>;
    struct Named {
        const char* what;
        Call call;
    };
    /// Every call that changes apps, on "web".
    static std::vector<Named> commands()
    {
        return {{"Restart", [](User& user) { user.manager->Restart("web", {}); }},
                {"Stop", [](User& user) { user.manager->Stop("web", {}); }},
                {"Start", [](User& user) { user.manager->Start("web", {}); }},
                {"Reset", [](User& user) { user.manager->Reset("web", {}); }},
                {"Scale", [](User& user) { user.manager->Scale("web", "2"); }},
                {"Signal", [](User& user) { user.manager->Signal("web", SIGCONT); }},
                {"App.Restart", [](User& user) { user.app("web").Restart({}); }},
                {"App.Stop", [](User& user) { user.app("web").Stop({}); }},
                {"App.Start", [](User& user) { user.app("web").Start({}); }},
                {"App.Reset", [](User& user) { user.app("web").Reset(); }},
                {"App.Scale", [](User& user) { user.app("web").Scale("1"); }},
                {"App.Signal", [](User& user) { user.app("web").Signal(SIGCONT); }}};
    }
    static std::vector<Named> deletions()
    {
        return {{"App.Delete", [](User& user) { user.app("web").Delete({}); }},
                {"Delete", [](User& user) { user.manager->Delete("web", {}); }}};
    }
    /// Every call that tells what others should not know.
    std::vector<Named> questions(uint32_t id)
    {
        return {{"GetEnvironment",
                 [this, id](User& user) {
                     std::map<std::string, std::string> found;
                     ask_until([&] { // while it is just executing its program it has none
                         const auto error = error_of([&] { found = user.manager->GetEnvironment(id); });
                         if (error.getName() == kNotAuthorized) throw error;
                         return error.getName().empty();
                     }, "an environment");
                     EXPECT_EQ(found.at("WHO"), kSecret);
                 }},
                {"OpenLog",
                 [](User& user) {
                     const auto stream = user.manager->OpenLog("web", {});
                     EXPECT_NE(read_until(stream.get(), "said by").find(kSecret), std::string::npos);
                 }},
                {"OpenMessages", [](User& user) { EXPECT_TRUE(user.manager->OpenMessages("web", {}).isValid()); }},
                {"GetMetrics", [id](User& user) { EXPECT_TRUE(user.manager->GetMetrics(id).empty()); }},
                {"GetActions", [id](User& user) { EXPECT_TRUE(user.manager->GetActions(id).empty()); }},
                {"GetSpec", [](User& user) { EXPECT_NE(user.app("web").GetSpec().find(kSecret), std::string::npos); }}};
    }
};

TEST_F(AuthorizationTest, EverybodyListsAndNobodySeesSecretsThere)
{
    load(lasting("web", "node_args: [hunter2]"));
    const auto rows = bob_->manager->ListApps({});
    ASSERT_EQ(rows.size(), 1U);
    EXPECT_EQ(std::get<0>(rows[0]), "web");
    App& app = bob_->app("web");
    EXPECT_EQ(app.Name(), "web");
    EXPECT_EQ(app.Owner(), 0U);
    EXPECT_EQ(app.Status(), "online");
    EXPECT_EQ(app.Instances().size(), 1U);
    EXPECT_EQ(bob_->manager->Scope(), "system");
    for (const char* interface : {"org.pmd1.App", "org.freedesktop.DBus.Properties"})
        for (const auto& [name, value] : app.GetAll(interface)) {
            const std::string text = value.peekValueType() == "s" ? value.get<std::string>() : "";
            EXPECT_EQ(text.find(kSecret), std::string::npos) << name;
        }
    EXPECT_NE(app.Spec().find("WHO: \"********\""), std::string::npos) << app.Spec();
    EXPECT_NE(app.Spec().find("script: /bin/sh"), std::string::npos) << app.Spec();
    EXPECT_TRUE(bob_->manager->Validate(lasting("db"), "stdin", {}).empty());
}

TEST_F(AuthorizationTest, AStrangerDoesNothingToAnApp)
{
    load(lasting("web"));
    const Instance before = only("web");
    auto all = commands();
    for (const auto& more : {deletions(), questions(before.id)}) all.insert(all.end(), more.begin(), more.end());
    all.push_back({"Exit", [](User& user) { user.manager->Exit({}); }});
    all.push_back({"SendMessage", [](User& user) { user.manager->SendMessage("web", "1"); }});
    all.push_back({"Trigger", [](User& user) { user.manager->Trigger("web", "act", "", {}); }});
    for (const Named& one : all) {
        const auto error = error_of([&] { one.call(*bob_); });
        EXPECT_EQ(error.getName(), kNotAuthorized) << one.what << ": " << error.getMessage();
        EXPECT_NE(error.getMessage().find("polkit, which could allow it, is not there"), std::string::npos)
            << one.what << ": " << error.getMessage();
    }
    const Instance after = only("web");
    EXPECT_EQ(after.pid, before.pid);
    EXPECT_EQ(after.restarts, before.restarts);
    EXPECT_EQ(error_of([&] { bob_->manager->Stop("web", {}); }).getMessage(),
              "not authorized to stop app 'web' of user root: polkit, which could allow it, is not there (package 'polkitd')");
    EXPECT_EQ(error_of([&] { bob_->manager->Stop("none", {}); }).getName(), "org.pmd1.Error.NoSuchApp");
    EXPECT_EQ(error_of([&] { bob_->manager->Stop("", {}); }).getName(), "org.pmd1.Error.InvalidArgument");
    EXPECT_EQ(error_of([&] { bob_->manager->GetEnvironment(99); }).getName(), "org.pmd1.Error.NoSuchApp");
}

TEST_F(AuthorizationTest, AnAppRunsAsWhoLoadsItAndIsTheirs)
{
    FakePolkit polkit(Mode::No);
    EXPECT_EQ(load_as(*alice_, lasting("web")).size(), 1U);
    const Instance web = only("web");
    EXPECT_EQ(web.status, "online") << web.reason;
    EXPECT_EQ(web.user, kAliceName);
    EXPECT_EQ(rights_of(web.pid).first, kAlice);
    EXPECT_EQ(bob_->app("web").Owner(), kAlice);
    for (const auto& list : {questions(web.id), commands()})
        for (const Named& one : list) EXPECT_EQ(error_of([&] { one.call(*alice_); }).getMessage(), "") << one.what;
    for (const Named& one : deletions()) {
        load_as(*alice_, lasting("web"));
        EXPECT_EQ(error_of([&] { one.call(*alice_); }).getMessage(), "") << one.what;
        EXPECT_TRUE(alice_->manager->ListApps({}).empty()) << one.what;
    }
    EXPECT_EQ(polkit.open(), 0U);
}

TEST_F(AuthorizationTest, RootDoesEverything)
{
    FakePolkit polkit(Mode::No);
    User root(0);
    load_as(*alice_, lasting("web"));
    for (const auto& list : {questions(only("web").id), commands(), deletions()})
        for (const Named& one : list) {
            EXPECT_EQ(error_of([&] { one.call(root); }).getMessage(), "") << one.what;
            if (list.size() == 2) load_as(*alice_, lasting("web"));
        }
    manager_->Exit({});
    EXPECT_EQ(WEXITSTATUS(wait_daemon()), 10); // ended by order: its service manager leaves it so
    EXPECT_EQ(polkit.open(), 0U);
}

TEST_F(AuthorizationTest, ATargetOfSeveralOwnersMeansOnesOwn)
{
    FakePolkit polkit(Mode::No);
    load(lasting("web-root", "namespace: shop"));
    load_as(*alice_, lasting("web-alice", "namespace: shop"));
    const auto status = [&](const std::string& app) { return only(app).status; };
    for (const char* target : {"all", "shop", "/web/"}) {
        EXPECT_EQ(alice_->manager->Stop(target, {}), std::vector<sdbus::ObjectPath>{sdbus::ObjectPath("/org/pmd1/app/web_2dalice")}) << target;
        EXPECT_EQ(status("web-alice"), "stopped") << target;
        EXPECT_EQ(status("web-root"), "online") << target;
        alice_->manager->Start(target, {});
        EXPECT_EQ(status("web-alice"), "online") << target;
    }
    EXPECT_EQ(polkit.open(), 0U);
    // Who has none is asked about all of them at once.
    EXPECT_EQ(error_of([&] { bob_->manager->Stop("all", {}); }).getMessage(),
              "not authorized to stop apps 'web-root', 'web-alice' of user root, games: polkit says no (org.pmd1.manage-apps)");
    polkit.set(Mode::Yes);
    EXPECT_EQ(bob_->manager->Stop("all", {}).size(), 2U);
    EXPECT_EQ(manager_->Start("all", {}).size(), 2U); // root means all
}

TEST_F(AuthorizationTest, PolkitIsToldWhoAndWhat)
{
    FakePolkit polkit(Mode::Yes);
    load_as(*alice_, lasting("web"));
    struct Row {
        Call call;
        const char* action;
        const char* what;
    };
    const uint32_t id = only("web").id;
    for (const Row& row : {
             Row{[](User& user) { user.manager->Restart("web", {}); }, "org.pmd1.manage-apps", "restart app 'web' of user games"},
             Row{[](User& user) { user.app("web").Signal(SIGCONT); }, "org.pmd1.manage-apps", "signal app 'web' of user games"},
             Row{[id](User& user) { error_of([&] { user.manager->GetEnvironment(id); }); }, "org.pmd1.read-environment",
                 "read the environment of app 'web' of user games"},
             Row{[](User& user) { user.manager->OpenLog("web", {}); }, "org.pmd1.read-environment",
                 "read the output of app 'web' of user games"},
             Row{[](User& user) { user.manager->OpenMessages("web", {}); }, "org.pmd1.read-environment",
                 "read the messages of app 'web' of user games"},
             Row{[](User& user) { user.app("web").GetSpec(); }, "org.pmd1.read-environment",
                 "read the declaration of app 'web' of user games"},
             Row{[](User& user) { load_as(user, lasting("mine", "user: root")); }, "org.pmd1.run-as-other-user",
                 "load app 'mine' with 'user: root'"},
         }) {
        row.call(*bob_);
        const auto question = polkit.next();
        EXPECT_EQ(question.action, row.action);
        EXPECT_EQ(question.details.at("what"), row.what);
        EXPECT_EQ(question.details.at("polkit.message"), "Authentication is required to $(what).");
        EXPECT_EQ(question.caller, bob_->connection->getUniqueName());
        EXPECT_EQ(question.flags, 0U);
    }
    bob_->allow_questions(true);
    bob_->manager->Stop("web", {});
    EXPECT_EQ(polkit.next().flags, 1U);
    EXPECT_EQ(only("web").status, "stopped");
    bob_->manager->Exit({});
    EXPECT_EQ(polkit.next().action, "org.pmd1.manage-daemon");
    EXPECT_EQ(WEXITSTATUS(wait_daemon()), 10); // ended by order: its service manager leaves it so
}

TEST_F(AuthorizationTest, ANoOfPolkitSaysWhy)
{
    FakePolkit polkit(Mode::Password);
    load(lasting("web"));
    const auto stop = [&] { return error_of([&] { bob_->manager->Stop("web", {}); }).getMessage(); };
    EXPECT_EQ(stop(), "not authorized to stop app 'web' of user root: polkit wants a password first (org.pmd1.manage-apps), "
                      "and this call forbids to ask for one");
    bob_->allow_questions(true);
    EXPECT_EQ(stop(), "not authorized to stop app 'web' of user root: polkit wants a password first (org.pmd1.manage-apps), "
                      "and knows nobody to ask for it (pkttyagent)");
    polkit.set(Mode::No);
    EXPECT_EQ(stop(), "not authorized to stop app 'web' of user root: polkit says no (org.pmd1.manage-apps)");
    EXPECT_EQ(only("web").status, "online");
}

TEST_F(AuthorizationTest, APolkitThatGoesAwayAllowsNothingAndBlocksNobody)
{
    auto polkit = std::make_unique<FakePolkit>(Mode::Wait);
    load(lasting("web"));
    manager_ = std::make_unique<Manager>(*bob_->connection);
    std::swap(connection_, bob_->connection);
    const auto call = call_later("Stop", "web");
    polkit->next();
    EXPECT_FALSE(alice_->manager->ListApps({}).empty()); // pmd answers others meanwhile
    polkit.reset();
    process_until([&] { return call->ended; }, "an answer");
    EXPECT_EQ(call->error_name, kNotAuthorized);
    EXPECT_EQ(std::get<5>(alice_->manager->ListApps({}).at(0)), "online");
    std::swap(connection_, bob_->connection);
    manager_ = std::make_unique<Manager>(*connection_);
}

TEST_F(AuthorizationTest, WhatWasAllowedIsNotDoneToSomebodyElsesApp)
{
    FakePolkit polkit(Mode::Wait);
    load_as(*alice_, lasting("web"));
    manager_ = std::make_unique<Manager>(*bob_->connection);
    std::swap(connection_, bob_->connection); // what follows is bob's, and bob_ is root's
    const auto stop = call_later("Stop", "web");
    polkit.next();
    alice_->manager->Delete("web", {});
    const auto mine = Manager(*bob_->connection).Load(lasting("web"), "stdin", {});
    ASSERT_EQ(mine.size(), 1U);
    polkit.answer(true);
    process_until([&] { return stop->ended; }, "an answer");
    EXPECT_EQ(stop->error_name, kNotAuthorized) << stop->error_message;
    EXPECT_EQ(stop->error_message, "'web' belongs to somebody else");
    EXPECT_EQ(std::get<5>(manager_->ListApps({}).at(0)), "online");
    std::swap(connection_, bob_->connection);
    manager_ = std::make_unique<Manager>(*connection_);
}

TEST_F(AuthorizationTest, QuestionsToPolkitAreBounded)
{
    FakePolkit polkit(Mode::Wait);
    load(lasting("web"));
    std::swap(connection_, bob_->connection);
    manager_ = std::make_unique<Manager>(*connection_);
    constexpr std::size_t kMost = 16; // Polkit::kMostOpenOfUser
    std::vector<std::shared_ptr<Pending>> calls;
    for (std::size_t i = 0; i < kMost + 1; ++i) calls.push_back(call_later("Stop", "web"));
    process_until([&] { return calls.back()->ended; }, "a refusal");
    EXPECT_EQ(calls.back()->error_name, "org.pmd1.Error.Busy") << calls.back()->error_message;
    User again(kBob); // another connection of the same user has no more
    EXPECT_EQ(error_of([&] { again.manager->Stop("web", {}); }).getName(), "org.pmd1.Error.Busy");
    for (std::size_t i = 0; i < kMost; ++i) polkit.next();
    std::thread others([&] { // in the way of nobody else
        EXPECT_EQ(error_of([&] { alice_->manager->Stop("web", {}); }).getName(), kNotAuthorized);
    });
    polkit.next();
    polkit.answer(false);
    others.join();
    process_until([&] { return std::ranges::all_of(calls, [](const auto& call) { return call->ended; }); }, "all answers");
    EXPECT_EQ(calls.front()->error_name, kNotAuthorized);
    polkit.set(Mode::Yes);
    EXPECT_EQ(again.manager->Stop("web", {}).size(), 1U); // there is room again
    std::swap(connection_, bob_->connection);
    manager_ = std::make_unique<Manager>(*connection_);
}

TEST_F(AuthorizationTest, QuestionsToPolkitCountAsUnansweredCalls)
{
    end_daemon(SIGTERM);
    start_daemon({"--config", dir_.write("pmd.yaml", "max_calls_per_caller: 2\n")});
    FakePolkit polkit(Mode::Wait);
    load(lasting("web"));
    std::swap(connection_, bob_->connection);
    manager_ = std::make_unique<Manager>(*connection_);
    std::vector<std::shared_ptr<Pending>> calls;
    for (int i = 0; i < 3; ++i) calls.push_back(call_later("Stop", "web"));
    process_until([&] { return calls.back()->ended; }, "a refusal");
    EXPECT_NE(calls.back()->error_message.find("max_calls_per_caller"), std::string::npos) << calls.back()->error_message;
    polkit.next();
    polkit.next();
    polkit.answer(true);
    process_until([&] { return calls[0]->ended && calls[1]->ended; }, "two answers");
    EXPECT_EQ(calls[0]->error_name, "");
    std::swap(connection_, bob_->connection);
    manager_ = std::make_unique<Manager>(*connection_);
}

TEST_F(AuthorizationTest, RightsThatOneDoesNotHaveAreNotGivenToOnesApps)
{
    struct Row {
        const char* key;
        const char* what;
    };
    for (const Row& row : {Row{"user: root", "user: root"}, Row{"user: 0", "user: 0"}, Row{"user: www-data", "user: www-data"},
                           Row{"group: root", "group: root"}, Row{"nice: -5", "nice: -5"},
                           Row{"oom_score_adj: -900", "oom_score_adj: -900"}, Row{"out_file: /dev/stdout", "out_file: /dev/stdout"}}) {
        for (const bool plan : {false, true}) {
            const auto error = error_of([&] {
                if (plan)
                    alice_->manager->Plan(lasting("web", row.key), "stdin", {});
                else
                    load_as(*alice_, lasting("web", row.key));
            });
            EXPECT_EQ(error.getName(), kNotAuthorized) << row.key;
            EXPECT_TRUE(error.getMessage().starts_with("not authorized to load app 'web' with '" + std::string(row.what) + "': "))
                << error.getMessage();
        }
        EXPECT_TRUE(list().empty());
    }
    load_as(*alice_, lasting("web", "user: games")); // oneself
    EXPECT_EQ(rights_of(only("web").pid).first, kAlice);
    FakePolkit polkit(Mode::Yes);
    load_as(*alice_, lasting("db", "user: www-data"));
    EXPECT_EQ(rights_of(only("db").pid).first, kBob);
    EXPECT_EQ(alice_->app("db").Owner(), kAlice); // runs as bob, and is alice's
    polkit.set(Mode::No);
    EXPECT_EQ(error_of([&] { bob_->manager->Stop("db", {}); }).getName(), kNotAuthorized);
    EXPECT_EQ(alice_->manager->Stop("db", {}).size(), 1U);
}

TEST_F(AuthorizationTest, ANameBelongsToWhoeverHasItFirst)
{
    load_as(*alice_, lasting("web"));
    const pid_t pid = only("web").pid;
    EXPECT_EQ(error_of([&] { load_as(*bob_, lasting("web", "umask: 077")); }).getName(), "org.pmd1.Error.AppExists");
    EXPECT_EQ(error_of([&] { load(lasting("web", "umask: 077")); }).getName(), "org.pmd1.Error.AppExists");
    // A file of one's own removes nothing that is not one's own.
    load_as(*bob_, lasting("db"), {{"prune", sdbus::Variant(true)}});
    EXPECT_EQ(only("web").pid, pid);
}

TEST_F(AuthorizationTest, AFileIsReadWithTheRightsOfTheCaller)
{
    const std::string hidden = dir_.write("hidden.yaml", lasting("web"), 0600);
    const std::string shown = dir_.write("shown.yaml", lasting("web"), 0644);
    const auto error = error_of([&] { alice_->manager->LoadFile(hidden, {}); });
    EXPECT_EQ(error.getMessage(), "opening '" + hidden + "' as user 'games': Permission denied");
    alice_->manager->LoadFile(shown, {});
    EXPECT_EQ(rights_of(only("web").pid).first, kAlice);
    const std::string own = dir_.write("own.yaml", lasting("db"), 0600);
    ASSERT_EQ(chown(own.c_str(), kBob, kBob), 0);
    bob_->manager->LoadFile(own, {});
    EXPECT_EQ(rights_of(only("db").pid).first, kBob);
    const std::string group = dir_.write("group.yaml", lasting("cache"), 0640);
    ASSERT_EQ(chown(group.c_str(), 0, 60), 0); // the group of games in Debian
    alice_->manager->LoadFile(group, {});
    manager_->LoadFile(dir_.write("root.yaml", lasting("root"), 0600), {});
    EXPECT_EQ(rights_of(only("root").pid).first, 0U);
}

TEST_F(AuthorizationTest, OutputStaysWithItsOwner)
{
    load_as(*alice_, lasting("web"));
    const auto stream = alice_->manager->OpenLog("web", {});
    read_until(stream.get(), "said by");
    const auto files = alice_->app("web").LogFiles();
    ASSERT_EQ(files.size(), 1U);
    alice_->manager->Delete("web", {});
    load_as(*bob_, "{name: web, script: /bin/sh, cwd: /, args: [\"-c\", \"echo from bob; exec sleep 1000\"]}");
    const auto theirs = bob_->manager->OpenLog("web", {});
    const std::string first = read_until(theirs.get(), "\"line\":");
    EXPECT_NE(first.find("from bob"), std::string::npos) << first; // and none of alice's old lines
    EXPECT_NE(std::get<1>(files[0]), std::get<1>(bob_->app("web").LogFiles().at(0)));
    // Bob's lines have been handed out; what alice follows is hers alone.
    load_as(*alice_, "{name: other, script: /bin/sh, cwd: /, args: [\"-c\", \"echo last; exec sleep 1000\"]}");
    std::array<char, 4096> text{};
    const ssize_t count = [&] {
        pollfd poll_for{stream.get(), POLLIN, 0};
        return poll(&poll_for, 1, 0) > 0 ? read(stream.get(), text.data(), text.size()) : 0;
    }();
    EXPECT_EQ(std::string(text.data(), static_cast<std::size_t>(std::max<ssize_t>(count, 0))).find("from bob"), std::string::npos);
}

/// Runs pmctl as a user; its exit status and what it says.
struct Said {
    int status = -1;
    std::string text;
};
Said pmctl(const std::string& program, uid_t uid, const std::vector<std::string>& words)
{
    std::array<int, 2> ends{};
    if (pipe(ends.data()) < 0) throw std::runtime_error("pipe");
    const pid_t pid = fork();
    if (pid == 0) {
        dup2(ends[1], STDOUT_FILENO);
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        close(ends[1]);
        if (setgroups(0, nullptr) < 0 || setgid(uid) < 0 || setuid(uid) < 0 || chdir("/") < 0) _exit(126);
        setenv("PMD_BUS", "system", 1);
        std::vector<char*> argv{const_cast<char*>(program.c_str())};
        for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
        argv.push_back(nullptr);
        execv(program.c_str(), argv.data());
        _exit(127);
    }
    close(ends[1]);
    Said said;
    std::array<char, 4096> piece{};
    for (ssize_t count = 0; (count = read(ends[0], piece.data(), piece.size())) > 0;)
        said.text.append(piece.data(), static_cast<std::size_t>(count));
    close(ends[0]);
    int status = 0;
    waitpid(pid, &status, 0);
    said.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return said;
}

TEST_F(AuthorizationTest, PmctlOfAnOrdinaryUser)
{
    const std::string program = dir_.path() + "/pmctl"; // the build may be where others do not get
    std::filesystem::copy_file(std::getenv("PMD_TEST_PMCTL"), program);
    load(lasting("web"));
    const Said started = pmctl(program, kAlice, {"start", "sleep 1000", "--name", "mine"});
    EXPECT_EQ(started.status, 0) << started.text;
    EXPECT_EQ(rights_of(only("mine").pid).first, kAlice);
    const Said list = pmctl(program, kBob, {"list"});
    EXPECT_EQ(list.status, 0) << list.text;
    EXPECT_NE(list.text.find("mine"), std::string::npos) << list.text;
    const Said stop = pmctl(program, kAlice, {"stop", "web"});
    EXPECT_EQ(stop.status, 1);
    EXPECT_EQ(stop.text, "pmctl: not authorized to stop app 'web' of user root: polkit, which could allow it, is not there "
                         "(package 'polkitd'); root may (sudo)\n");
    // It is online, but not hers to start: one answer, not two.
    const Said start = pmctl(program, kAlice, {"start", "web"});
    EXPECT_EQ(start.status, 1);
    EXPECT_EQ(start.text,
              "pmctl: not authorized to start app 'web' of user root: polkit, which could allow it, is not there "
              "(package 'polkitd'); root may (sudo)\n");
    const Said described = pmctl(program, kAlice, {"describe", "web", "--spec"});
    EXPECT_EQ(described.status, 0) << described.text;
    EXPECT_EQ(described.text.find(kSecret), std::string::npos) << described.text;
    EXPECT_NE(pmctl(program, 0, {"describe", "web", "--spec"}).text.find(kSecret), std::string::npos);
    EXPECT_EQ(pmctl(program, kAlice, {"delete", "all"}).status, 0);
    ASSERT_EQ(this->list().size(), 1U);
    EXPECT_EQ(this->list()[0].app, "web");
}

} // namespace
} // namespace pm::test
