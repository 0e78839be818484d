// SPDX-License-Identifier: Apache-2.0
#include "cli/bus_error.hpp"

#include <gtest/gtest.h>

namespace pm::cli
{
namespace
{

TEST(BusError, IsToldWithItsExitStatus)
{
    struct Case {
        const char* name;
        int status;
        const char* text;
    };
    for (const auto& [name, status, text] : {
             Case{"org.freedesktop.DBus.Error.NoReply", kNoDaemon, "pmd is gone (bus)"},
             {"System.Error.ECONNRESET", kNoDaemon, "pmd is gone (bus)"},
             {"org.freedesktop.DBus.Error.Timeout", kNoDaemon, "pmd does not answer (bus): why"},
             {"org.freedesktop.DBus.Error.TimedOut", kNoDaemon, "pmd does not answer (bus): why"},
             {"System.Error.ETIMEDOUT", kNoDaemon, "pmd does not answer (bus): why"},
             {"org.freedesktop.DBus.Error.Spawn.ChildExited", kNoDaemon,
              "pmd is gone, and cannot be started (bus): why"},
             {"org.freedesktop.systemd1.UnitMasked", kNoDaemon, "pmd is gone, and cannot be started (bus): why"},
             {"org.freedesktop.systemd1.NoSuchUnit", kNoDaemon, "pmd is gone, and cannot be started (bus): why"},
             {"org.freedesktop.DBus.Error.AccessDenied", kFailed,
              "the bus lets nobody talk to pmd: is its policy, org.pmd1.conf, the one that came with pmd?"},
             {"org.pmd1.Error.NotAuthorized", kFailed, "why; root may (sudo)"},
             {"org.pmd1.Error.NoSuchApp", kFailed, "why"},
         }) {
        const Failure failure = failure_of(name, "why", "bus");
        EXPECT_EQ(failure.status, status) << name;
        EXPECT_EQ(failure.message, text) << name;
    }
}

} // namespace
} // namespace pm::cli
