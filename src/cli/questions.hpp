// SPDX-License-Identifier: Apache-2.0
// Whether pmd may have the person at this terminal asked for a password (polkit), when a call needs one.
#pragma once

#include "cli/password_agent.hpp"

#include "sdbus_versions.hpp"

#include <chrono>
#include <optional>
#include <systemd/sd-bus.h>

namespace pm::cli {

/// How long a call may take that a person is asked about: a little more than pmd waits for polkit.
inline constexpr std::chrono::seconds kTimeToAnswer{150};

/// The flag that all calls of one connection carry: allow-interactive-authorization (D-Bus Specification, message
/// flags).
class Questions {
public:
    /// Allowed where somebody sits at a terminal. Only the pmd of the system bus has any, and none for root.
    Questions(sdbus::IProxy& proxy, bool on_system_bus);
    Questions(const Questions&) = delete;
    Questions& operator=(const Questions&) = delete;

    /// No questions while it lives: for calls that are nice to have.
    class None {
    public:
        explicit None(Questions& questions) : questions_(questions) { questions_.set(false); }
        ~None() { questions_.set(questions_.allowed_); }
        None(const None&) = delete;
        None& operator=(const None&) = delete;

    private:
        Questions& questions_;
    };
    [[nodiscard]] bool allowed() const noexcept { return allowed_; }
    /// Before the first call that may lead to a question: sees to it that there is somebody to ask it.
    void expect()
    {
        if (allowed_ && !agent_) agent_.emplace();
    }

private:
    void set(bool allowed) noexcept;

    sd_bus* bus_ = nullptr; ///< of the proxy's connection, which outlives this
    bool allowed_ = false;
    std::optional<PasswordAgent> agent_;
};

} // namespace pm::cli
