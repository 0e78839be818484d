// SPDX-License-Identifier: Apache-2.0
#include "base/glob.hpp"

#include <algorithm>
#include <vector>

namespace pm::base {
namespace {

constexpr std::string_view kSpecial = "*?[{\\";
constexpr std::size_t kDeepest = 64; ///< groups in groups

void append_literal(std::string& to, char character)
{
    if (std::string_view("\\^$.|?*+()[]{}-/").find(character) != std::string_view::npos && character != '/') to += '\\';
    to += character;
}

class Translator {
public:
    explicit Translator(std::string_view glob) : glob_(glob) {}

    Result<std::string> translate()
    {
        while (at_ < glob_.size())
            if (const std::string fault = step(); !fault.empty()) return fail(ErrorCode::InvalidArgument, fault);
        if (!groups_.empty())
            return fail(ErrorCode::InvalidArgument, groups_.back().closes == '}' ? "'{' is not closed" : "'(' is not closed");
        return std::move(regex_);
    }

private:
    struct Group {
        char closes;
        char separates;
        std::string after;    ///< how many of it
        bool literal = false; ///< braces that stand for themselves
    };

    [[nodiscard]] bool follows(std::string_view text) const { return glob_.substr(at_).starts_with(text); }
    [[nodiscard]] bool begins_component() const { return at_ == 0 || glob_[at_ - 1] == '/'; }

    /// Empty, or what is wrong.
    std::string step()
    {
        const char character = glob_[at_];
        if (std::string_view("@?*+!").find(character) != std::string_view::npos && at_ + 1 < glob_.size() && glob_[at_ + 1] == '(') return open_extended(character);
        if (!groups_.empty() && character == groups_.back().closes) return close();
        if (!groups_.empty() && character == groups_.back().separates) {
            regex_ += '|';
            ++at_;
            return {};
        }
        switch (character) {
        case '*': return stars();
        case '?': regex_ += "[^/]"; break;
        case '[': return set();
        case '{': return open_braces();
        case '\\':
            if (++at_ == glob_.size()) return "ends in '\\'";
            append_literal(regex_, glob_[at_]);
            break;
        default: append_literal(regex_, character);
        }
        ++at_;
        return {};
    }

    std::string stars()
    {
        if (!follows("**")) {
            regex_ += "[^/]*";
            ++at_;
            return {};
        }
        const bool whole = begins_component();
        while (at_ < glob_.size() && glob_[at_] == '*') ++at_;
        if (whole && at_ < glob_.size() && glob_[at_] == '/') { // also no directory at all
            regex_ += "(?:.*/)?";
            ++at_;
        } else {
            regex_ += ".*";
        }
        return {};
    }

    std::string set()
    {
        std::size_t end = at_ + 1;
        if (end < glob_.size() && (glob_[end] == '!' || glob_[end] == '^')) ++end;
        if (end < glob_.size() && glob_[end] == ']') ++end; // the first one stands for itself
        end = glob_.find(']', end);
        if (end == std::string_view::npos) return "'[' is not closed";
        std::string_view inside = glob_.substr(at_ + 1, end - at_ - 1);
        const bool negated = inside.starts_with('!') || inside.starts_with('^');
        if (negated) inside.remove_prefix(1);
        regex_ += negated ? "[^/" : "[";
        for (std::size_t i = 0; i < inside.size(); ++i) {
            const char character = inside[i];
            if (character == '/') return "'/' cannot be in '[...]'";
            const bool range = character == '-' && i > 0 && i + 1 < inside.size();
            if (range && static_cast<unsigned char>(inside[i - 1]) > static_cast<unsigned char>(inside[i + 1])) return "the range in '[...]' is the wrong way round";
            if (!range && std::string_view("\\^]-[").find(character) != std::string_view::npos) regex_ += '\\';
            regex_ += character;
        }
        regex_ += ']';
        at_ = end + 1;
        return {};
    }

    /// Braces without a comma stand for themselves, as in bash(1).
    std::string open_braces()
    {
        int depth = 0;
        bool choice = false;
        std::size_t end = at_;
        for (; end < glob_.size(); ++end) {
            if (glob_[end] == '\\') ++end;
            else if (glob_[end] == '{') ++depth;
            else if (glob_[end] == ',' && depth == 1) choice = true;
            else if (glob_[end] == '}' && --depth == 0) break;
        }
        if (end >= glob_.size()) return "'{' is not closed";
        return choice ? open({'}', ',', ""}, 1) : open({'}', '\0', "", true}, 1);
    }

    std::string open_extended(char kind)
    {
        if (kind == '!') return "'!(...)' is not supported";
        return open({')', '|', kind == '@' ? "" : std::string(1, kind)}, 2);
    }

    std::string open(Group group, std::size_t length)
    {
        if (groups_.size() == kDeepest) return "has too many groups in groups";
        regex_ += group.literal ? "\\{" : "(?:";
        groups_.push_back(std::move(group));
        at_ += length;
        return {};
    }

    std::string close()
    {
        regex_ += groups_.back().literal ? "\\}" : ")" + groups_.back().after;
        groups_.pop_back();
        ++at_;
        return {};
    }

    std::string_view glob_;
    std::size_t at_ = 0;
    std::string regex_;
    std::vector<Group> groups_;
};

} // namespace

bool is_glob(std::string_view text) noexcept
{
    if (text.find_first_of(kSpecial) != std::string_view::npos) return true;
    const std::size_t bracket = text.find('(');
    return bracket != std::string_view::npos && bracket > 0 && (text[bracket - 1] == '@' || text[bracket - 1] == '+' || text[bracket - 1] == '!');
}

std::string_view fixed_part(std::string_view glob) noexcept
{
    std::size_t end = 0;
    for (std::size_t begin = 0; begin <= glob.size();) {
        const std::size_t slash = std::min(glob.find('/', begin), glob.size());
        if (is_glob(glob.substr(begin, slash - begin))) break;
        end = slash == 0 ? 1 : slash;
        begin = slash + 1;
    }
    return glob.substr(0, end);
}

Result<std::string> regex_of_glob(std::string_view glob) { return Translator(glob).translate(); }

std::string regex_of_text(std::string_view text)
{
    std::string regex;
    for (const char character : text) append_literal(regex, character);
    return regex;
}

} // namespace pm::base
