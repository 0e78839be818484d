// SPDX-License-Identifier: Apache-2.0
// Who is asked about users and groups: the files of this machine, which answer at once, or the name service (nss), which
// may ask the network, and in which pmd's only thread then waits.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <sys/types.h>
#include <utility>
#include <vector>

namespace pm::launch {

struct User {
    std::string name;
    uid_t uid = 0;
    gid_t gid = 0;
    std::string home;
    std::string shell;
};

class UserDatabase {
public:
    virtual ~UserDatabase() = default;
    [[nodiscard]] virtual std::optional<User> user_by_name(const std::string& name) = 0;
    [[nodiscard]] virtual std::optional<User> user_by_id(uid_t uid) = 0;
    [[nodiscard]] virtual std::optional<gid_t> group_by_name(const std::string& name) = 0;
    /// `gid`, then the other groups that have the user as a member.
    [[nodiscard]] virtual std::vector<gid_t> groups_of(const std::string& user, gid_t gid) = 0;
};

/// passwd(5) and group(5), read at each question.
class AccountFiles final : public UserDatabase {
public:
    explicit AccountFiles(std::string passwd = "/etc/passwd", std::string group = "/etc/group")
        : passwd_(std::move(passwd)), group_(std::move(group))
    {
    }
    std::optional<User> user_by_name(const std::string& name) override;
    std::optional<User> user_by_id(uid_t uid) override;
    std::optional<gid_t> group_by_name(const std::string& name) override;
    std::vector<gid_t> groups_of(const std::string& user, gid_t gid) override;

private:
    std::string passwd_;
    std::string group_;
};

class NameService final : public UserDatabase {
public:
    std::optional<User> user_by_name(const std::string& name) override;
    std::optional<User> user_by_id(uid_t uid) override;
    std::optional<gid_t> group_by_name(const std::string& name) override;
    std::vector<gid_t> groups_of(const std::string& user, gid_t gid) override;
};

/// Asks another one each question once, so that a restart waits for nobody. That a name is unknown is not kept, it may be
/// a mistake that is being mended; that a number has no name is, as apps run well so.
class AskedOnce final : public UserDatabase {
public:
    static constexpr std::size_t kMostKept = 1024; ///< of each kind; then all are asked again

    explicit AskedOnce(UserDatabase& other) : other_(other) {}
    std::optional<User> user_by_name(const std::string& name) override;
    std::optional<User> user_by_id(uid_t uid) override;
    std::optional<gid_t> group_by_name(const std::string& name) override;
    std::vector<gid_t> groups_of(const std::string& user, gid_t gid) override;
    void forget();

private:
    UserDatabase& other_;
    std::map<std::string, std::optional<User>> users_;
    std::map<uid_t, std::optional<User>> ids_;
    std::map<std::string, std::optional<gid_t>> groups_;
    std::map<std::pair<std::string, gid_t>, std::vector<gid_t>> members_;
};

} // namespace pm::launch
