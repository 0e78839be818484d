// SPDX-License-Identifier: Apache-2.0
#include "cli/log_view.hpp"

#include "cli/context.hpp"
#include "cli/interrupt.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <poll.h>
#include <unistd.h>

namespace pm::cli {
namespace {

struct Reader {
    base::Fd fd;
    std::string partial;
};

using Format = std::function<std::string(std::string_view)>;

enum class Took { Some, End, OutputLost };

/// What `format` makes of the lines that are complete, which leave `reader`.
std::string take_lines(Reader& reader, const Format& format)
{
    std::string text;
    std::size_t start = 0;
    for (std::size_t end = 0; (end = reader.partial.find('\n', start)) != std::string::npos; start = end + 1)
        text += format(std::string_view(reader.partial).substr(start, end - start));
    reader.partial.erase(0, start);
    return text;
}

Took take(Reader& reader, const Format& format)
{
    std::array<char, 65536> buffer{};
    const ssize_t count = read(reader.fd.get(), buffer.data(), buffer.size());
    if (count < 0) return errno == EINTR || errno == EAGAIN ? Took::Some : Took::End;
    reader.partial.append(buffer.data(), static_cast<std::size_t>(count));
    if (count == 0 && !reader.partial.empty()) reader.partial += '\n';
    if (print(take_lines(reader, format)) != kDone) return Took::OutputLost;
    return count > 0 ? Took::Some : Took::End;
}

} // namespace

ViewEnd view_logs(std::vector<base::Fd> streams, const Format& format)
{
    std::vector<Reader> readers;
    for (base::Fd& stream : streams) readers.push_back({std::move(stream), {}});
    const Interrupt interrupt;
    while (!readers.empty()) {
        std::vector<pollfd> fds{{interrupt.fd(), POLLIN, 0}};
        for (const Reader& reader : readers) fds.push_back({reader.fd.get(), POLLIN, 0});
        if (poll(fds.data(), fds.size(), -1) < 0 && errno != EINTR) break;
        if ((fds[0].revents & POLLIN) != 0) return ViewEnd::Interrupted;
        for (std::size_t i = readers.size(); i-- > 0;) { // from behind: erasing moves only what is done
            if (fds[i + 1].revents == 0) continue;
            const Took took = take(readers[i], format);
            if (took == Took::OutputLost) return ViewEnd::OutputLost;
            if (took == Took::End) readers.erase(readers.begin() + static_cast<std::ptrdiff_t>(i));
        }
    }
    return ViewEnd::StreamsEnded;
}

int status_of(ViewEnd end)
{
    switch (end) {
    case ViewEnd::StreamsEnded: return report({kNoDaemon, "pmd has ended"});
    case ViewEnd::Interrupted: return kDone;
    case ViewEnd::OutputLost: return kFailed;
    }
    return kFailed;
}

} // namespace pm::cli
