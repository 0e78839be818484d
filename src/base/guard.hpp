// SPDX-License-Identifier: Apache-2.0
// The border where exceptions end: every callback a C library or the event loop calls runs inside guard().
#pragma once

#include <exception>
#include <string>
#include <utility>

namespace pm::base {

/// Runs `body`; an exception that reaches the border is handed to `on_fault(what)` and goes no further.
template <typename Body, typename OnFault>
void guard(Body&& body, OnFault&& on_fault) noexcept
{
    try {
        try {
            std::forward<Body>(body)();
        } catch (const std::exception& fault) {
            on_fault(std::string(fault.what()));
        } catch (...) {
            on_fault(std::string("unknown exception"));
        }
    } catch (...) { // reporting failed too (out of memory): nothing is left to do, and nothing may escape
    }
}

} // namespace pm::base
