// SPDX-License-Identifier: Apache-2.0
// A child that has lost parent and session and looks like one in the middle of execve(2): no environment, no arguments.
// It prints its pid, and shows both again after SIGUSR1. The parent exits as soon as that is so; with 77 where the kernel
// does not allow it.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstdint>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace {

/// The fields of /proc/self/stat by their numbers in proc(5), from 1; the name of this program has no spaces.
std::vector<unsigned long long> stat_fields()
{
    std::vector<unsigned long long> fields(53);
    std::FILE* file = std::fopen("/proc/self/stat", "re");
    char word[64];
    for (std::size_t i = 1; file && i < fields.size() && std::fscanf(file, "%63s", word) == 1; ++i)
        fields[i] = std::strtoull(word, nullptr, 10);
    if (file) std::fclose(file);
    return fields;
}

prctl_mm_map memory_map()
{
    const auto field = stat_fields();
    prctl_mm_map map{};
    map.start_code = field[26];
    map.end_code = field[27];
    map.start_data = field[45];
    map.end_data = field[46];
    map.start_brk = field[47];
    map.brk = reinterpret_cast<std::uintptr_t>(::sbrk(0));
    map.start_stack = field[28];
    map.arg_start = field[48];
    map.arg_end = field[49];
    map.env_start = field[50];
    map.env_end = field[51];
    map.exe_fd = static_cast<std::uint32_t>(-1);
    return map;
}

bool show(const prctl_mm_map& map) { return ::prctl(PR_SET_MM, PR_SET_MM_MAP, &map, sizeof map, 0) == 0; }

[[noreturn]] void child(int ready)
{
    ::setsid();
    sigset_t set_of_one;
    sigemptyset(&set_of_one);
    sigaddset(&set_of_one, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set_of_one, nullptr);
    const prctl_mm_map visible = memory_map();
    prctl_mm_map hiding = visible;
    hiding.arg_end = hiding.arg_start;
    hiding.env_end = hiding.env_start;
    const bool hidden = show(hiding);
    if (hidden) std::printf("%d\n", ::getpid());
    std::fflush(stdout);
    if (::write(ready, hidden ? "y" : "n", 1) != 1 || !hidden) std::_Exit(1);
    int got = 0;
    sigwait(&set_of_one, &got);
    show(visible);
    for (;;) ::pause();
}

} // namespace

int main()
{
    int ready[2];
    if (::pipe(ready) < 0) return 1;
    if (::fork() == 0) child(ready[1]);
    char answer = 'n';
    return ::read(ready[0], &answer, 1) == 1 && answer == 'y' ? 0 : 77;
}
