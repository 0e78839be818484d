// SPDX-License-Identifier: Apache-2.0
// Decides whether a call goes on: who calls (bus/callers), what that is to the apps it is about (policy/access), and
// what polkit says where the table does not allow it (bus/polkit). A handler's work begins inside `authorised`.
//
// What was allowed is bound to the owners of that moment: the Grant carries the apps, and the engine looks again when
// the work is done, so a name that somebody else has taken meanwhile is not touched.
//
// On a session or embedded bus nobody but the user of pmd can call: everything is allowed at once, and nothing is
// asked.
#pragma once

#include "bus/callers.hpp"
#include "bus/context.hpp"
#include "bus/guarded.hpp"
#include "bus/polkit.hpp"
#include "model/identity.hpp"
#include "policy/access.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace pm::bus {

/// What is kept of a message when its handler has returned.
struct Call {
    std::string sender;       ///< unique name
    bool interactive = false; ///< the caller allows that a person is asked for a password
};
/// Of the message that is being handled; null: nobody's.
[[nodiscard]] Call call_of(const sdbus::Message* message);

/// What a call is about to do.
struct Wish {
    policy::Access access{};
    std::string verb; ///< "stop": what is done to the apps; without a target the whole phrase, "end pmd"
    std::optional<std::string> target; ///< as of all commands; unset: no app is concerned
    bool answers_at_once = false; ///< once it is allowed: takes no place in the caller's quota where nobody is asked
    bool may_be_none = false; ///< a target that selects nothing yet is no error
};

/// Leave to do what was wished.
struct Grant {
    uid_t uid = 0;
    bool master = false;       ///< root, or the user pmd runs as
    std::vector<gid_t> groups; ///< the caller's
    engine::May may;           ///< the apps it is about; empty: all

    [[nodiscard]] bool covers(const std::string& app, uid_t owner) const { return !may || may(app, owner); }
};

class Authority {
public:
    using Then = std::function<void(const base::Result<Grant>&)>;

    /// `callers` is null where everybody who can call may do everything. All must outlive this; what waits for an answer when it ends is dropped.
    Authority(Context& context, sdbus::IConnection& connection, Callers* callers);
    /// False where everything is allowed at once.
    [[nodiscard]] bool asks() const noexcept { return remote_.has_value(); }
    /// A target of several owners means the caller's own apps; only if there are none, polkit is asked about the
    /// others. Errors: of the target, NotAuthorized, Busy.
    void decide(const Call& call, const Wish& wish, const Then& then);
    /// Asks for what the table does not give the caller, who is `uid`: `phrase` ("load app 'web' with 'user: root'")
    /// goes to people.
    void ask(const Call& call, uid_t uid, policy::PolkitAction action, const std::string& phrase,
             std::map<std::string, std::string> details, const Polkit::Then& then);

private:
    struct Remote {
        Remote(sdbus::IConnection& connection, Callers& known) : callers(known), polkit(connection) {}
        Callers& callers;
        Polkit polkit;
    };
    void decide_for(const Credentials& who, const Call& call, const Wish& wish, const Then& then);
    void decide_about(const Grant& base, const std::vector<engine::AppRef>& apps, const Call& call, const Wish& wish,
                      const Then& then);

    Context& context_;
    std::optional<Remote> remote_; ///< on the system bus only
};

/// Takes the call into its caller's quota and, when it may do what it wishes, runs `body(reply, grant)`, which returns
/// a Result<void>; an error is the answer. `body` may run after the handler and its object are gone.
template <typename... Results, typename Body>
void authorised(Context& context, const sdbus::Message* message, sdbus::Result<Results...>&& result, const Wish& wish,
                Body&& body)
{
    using Answer = Reply<Results...>;
    const std::optional<Answer> accepted = wish.answers_at_once && !context.authority->asks()
                                               ? Answer(std::move(result), std::nullopt)
                                               : accept_call(context, message, std::move(result));
    if (!accepted) return;
    context.authority->decide(call_of(message), wish,
                              [reply = *accepted, body = std::forward<Body>(body)](const base::Result<Grant>& grant) {
                                  guarded_reply(reply, [&]() -> base::Result<void> {
                                      if (!grant) return tl::unexpected(grant.error());
                                      return body(reply, *grant);
                                  });
                              });
}

/// Whether `grant` covers `app` as it is now. Errors: NoSuchApp, NotAuthorized.
[[nodiscard]] base::Result<void> still_covered(const Context& context, const Grant& grant, const std::string& app);

/// "alice", or the number of a user who is not in this machine's files.
[[nodiscard]] std::string user_name(const Context& context, uid_t uid);

/// The caller, for what is done with their rights; null: pmd's own.
[[nodiscard]] model::SharedIdentity identity_of(const Context& context, const Grant& grant);

} // namespace pm::bus
