// SPDX-License-Identifier: Apache-2.0
// A native program under pmd: counts, tells how it was started, and ends when asked.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <unistd.h>

namespace {
volatile std::sig_atomic_t asked_to_stop = 0;
void on_signal(int) { asked_to_stop = 1; }

const char* variable(const char* name, const char* otherwise)
{
    const char* const value = std::getenv(name);
    return value != nullptr ? value : otherwise;
}
} // namespace

int main(int argc, char* argv[])
{
    const long interval = argc > 1 ? std::strtol(argv[1], nullptr, 10) : 1;
    if (interval < 1) {
        std::fprintf(stderr, "usage: ticker [SECONDS]\n");
        return 2;
    }
    struct sigaction action = {};
    action.sa_handler = on_signal; // no SA_RESTART: nanosleep ends early
    sigaction(SIGTERM, &action, nullptr);
    sigaction(SIGINT, &action, nullptr);
    std::setvbuf(stdout, nullptr, _IOLBF, 0);

    std::printf("'%s' slot %s, process %d\n", variable("PM_NAME", "ticker"), variable("NODE_APP_INSTANCE", "0"), getpid());
    const timespec pause = {interval, 0};
    for (unsigned long tick = 1; asked_to_stop == 0; ++tick) {
        std::printf("%s tick %lu\n", variable("GREETING", "a"), tick);
        nanosleep(&pause, nullptr);
    }
    std::printf("asked to stop\n");
    return 0;
}
