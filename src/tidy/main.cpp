// SPDX-License-Identifier: Apache-2.0
// pm-tidy removes and compresses log files that were put aside. pmd runs it with one end of a socket as its standard input, which tells it
// what to do, and gets a line back when something could not be done; it ends when it is done.
//
// It is a process of its own because it takes its time, and has the rights of the user whose files these are.
#include "tidy/work.hpp"
#include "watch/as_user.hpp"

#include <csignal>
#include <cstdlib>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

namespace {

constexpr std::size_t kMostBytes = 64 * 1024; ///< of the orders

void tell(const std::string& trouble)
{
    if (!trouble.empty()) (void)!::write(STDIN_FILENO, trouble.data(), trouble.size());
}

} // namespace

int main()
{
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::signal(SIGPIPE, SIG_IGN);
    ::prctl(PR_SET_NAME, "pm-tidy");
    ::setpriority(PRIO_PROCESS, 0, 19);
    const auto orders = pm::tidy::orders_from(pm::watch::read_orders(kMostBytes));
    if (!orders) return EXIT_FAILURE;
    if (const std::string why = pm::watch::take_rights(orders->user); !why.empty()) {
        tell(why);
        return EXIT_FAILURE;
    }
    tell(pm::tidy::carry_out(*orders));
    return EXIT_SUCCESS;
}
