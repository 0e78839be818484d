// SPDX-License-Identifier: Apache-2.0
// The one line on a terminal that tells what a waiting command waits for: "web: stopping (2s)".
#pragma once

#include "cli/client.hpp"

#include <chrono>
#include <functional>
#include <string>

namespace pm::cli {

class Progress final : public Watcher {
public:
    using Now = std::function<std::chrono::steady_clock::time_point()>;
    /// `doing`: "stopping web".
    Progress(const Terminal& terminal, std::string doing, Now now = std::chrono::steady_clock::now);
    /// Clears the line.
    ~Progress() override;
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;

    void on_event(const std::string& event, const std::string& app, std::uint32_t id) override;
    void on_tick() override;
    void on_question() override;

private:
    void show();
    void clear();

    const Terminal& terminal_;
    std::string doing_;
    std::string last_;
    Now now_;
    std::chrono::steady_clock::time_point since_;
    bool shown_ = false;
    bool silent_ = false; ///< a prompt may be where the line would be
};

} // namespace pm::cli
