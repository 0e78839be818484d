// SPDX-License-Identifier: Apache-2.0
#include "config/yaml_tree.hpp"

#include "base/text.hpp"
#include "config/json5_text.hpp"
#include "config/json_text.hpp"
#include "config/metered_text.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <istream>
#include <unordered_map>
#include <vector>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

namespace pm::config {
namespace {

/// yaml-cpp writes the escapes \N (next line, U+0085) and \_ (no-break space, U+00A0) as one byte each, which is no
/// UTF-8. The file itself is valid UTF-8, so a byte that begins no sequence comes from there.
std::string with_whole_escapes(const std::string& text)
{
    if (base::is_valid_utf8(text)) return text;
    std::string whole;
    for (std::string_view rest = text; !rest.empty();) {
        const std::size_t length = base::utf8_sequence(rest);
        if (length == 0) whole += '\xc2';
        whole += rest.substr(0, std::max<std::size_t>(length, 1));
        rest.remove_prefix(std::max<std::size_t>(length, 1));
    }
    return whole;
}

/// Leaves yaml-cpp's parser from within a callback; never seen outside this file.
struct Refused {
    Mark mark;
    std::string message;
};

/// What yaml-cpp is given, and how its places are those of the original.
class Source {
public:
    /// Behind "--- " a '{' or '[' cannot be a key (YAML 1.2.2, 9.1.2): yaml-cpp tells of it at once, not at its end.
    explicit Source(std::string_view original)
    {
        if (auto json = json5_as_json(original))
            rewritten_ = std::move(*json);
        else
            rewritten_.text = json_as_yaml(original);
        if (!rewritten_.steps.empty()) find_lines(original);
        std::string& text = rewritten_.text;
        const auto root = text.find_first_not_of(" \t\r\n");
        if (root == std::string::npos || (text[root] != '{' && text[root] != '[')) return;
        marked_line_ = std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(root), '\n');
        document_mark_ = text.rfind('\n', root) + 1; // npos + 1 is the beginning
        text.insert(document_mark_, kDocumentMark);
    }

    [[nodiscard]] std::string_view text() const noexcept { return rewritten_.text; }

    [[nodiscard]] Mark place(const YAML::Mark& mark) const
    {
        if (mark.is_null()) return {};
        constexpr int kLength = kDocumentMark.size();
        if (!lines_.empty()) return place_of(static_cast<std::size_t>(std::max(mark.pos, 0)));
        const int column = mark.line == marked_line_ && mark.column >= kLength ? mark.column - kLength : mark.column;
        return {static_cast<std::uint32_t>(mark.line) + 1, static_cast<std::uint32_t>(column) + 1};
    }

private:
    static constexpr std::string_view kDocumentMark = "--- ";

    void find_lines(std::string_view original)
    {
        lines_.push_back(0);
        for (std::size_t at = 0; at < original.size(); ++at)
            if (original[at] == '\n') lines_.push_back(at + 1);
    }

    [[nodiscard]] Mark place_of(std::size_t offset) const
    {
        if (offset >= document_mark_ + kDocumentMark.size()) offset -= kDocumentMark.size();
        const std::size_t origin = rewritten_.origin(offset);
        const auto line = std::prev(std::ranges::upper_bound(lines_, origin));
        return {static_cast<std::uint32_t>(line - lines_.begin()) + 1, static_cast<std::uint32_t>(origin - *line) + 1};
    }

    Rewritten rewritten_;
    std::ptrdiff_t marked_line_ = -1;
    std::size_t document_mark_ = 0;
    std::vector<std::size_t> lines_; ///< where those of the original begin; empty where places are the same
};

/// How many times the largest text aliases may stand for.
constexpr std::size_t kMaxExpansion = 4;

class Builder final : public YAML::EventHandler {
public:
    Builder(const Source& source, const TreeLimits& limits, Report& report)
        : source_(source), text_(source.text()), limits_(limits), report_(report)
    {
    }

    [[nodiscard]] const std::size_t& events() const noexcept { return events_; }
    [[nodiscard]] Mark last_place() const noexcept { return last_place_; }
    [[nodiscard]] Tree take() { return std::move(tree_); }

    void OnDocumentStart(const YAML::Mark& mark) override
    {
        if (std::exchange(seen_document_, true)) throw Refused{to_mark(mark), "a second document; one file is one document"};
    }
    void OnDocumentEnd() override {}
    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override;
    void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override;
    void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, const std::string& value) override;
    void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value style) override;
    void OnSequenceEnd() override { close(); }
    void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value style) override;
    void OnMapEnd() override { close(); }

private:
    struct Frame {
        Node* node;
        bool key_waits = false; ///< a map's key was read, its value comes next
        bool skip_value = false;
        std::string key;
        Mark key_mark;
        std::vector<const Node*> merges;
        std::unordered_map<std::string, Mark> seen; ///< of a map
    };

    Node* make(Node::Kind kind, const YAML::Mark& mark, YAML::anchor_t anchor);
    [[nodiscard]] Mark to_mark(const YAML::Mark& mark) const { return source_.place(mark); }
    void check_tag(const YAML::Mark& mark, const std::string& tag) const;
    void open(Node::Kind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor);
    void close();
    void put(const Node* node) { put(node, node->mark); }
    void put(const Node* node, Mark place);
    void put_key(Frame& frame, const Node* node);
    void put_value(Frame& frame, const Node* node, Mark place);
    void check_end_of_quote(const YAML::Mark& mark) const;
    void merge(Frame& frame, const Node* source);
    [[nodiscard]] bool holds_apps() const;
    void report_twice(const Frame& frame, Mark place, Mark first);

    const Source& source_;
    std::string_view text_;
    const TreeLimits& limits_;
    Report& report_;
    Tree tree_;
    std::deque<Frame> open_;
    std::unordered_map<YAML::anchor_t, const Node*> anchors_;
    std::size_t weight_ = 0;
    std::size_t bytes_ = 0;
    std::size_t events_ = 0;
    Mark last_place_;
    bool seen_document_ = false;
};

Node* Builder::make(Node::Kind kind, const YAML::Mark& mark, YAML::anchor_t anchor)
{
    if (++weight_ > limits_.max_nodes)
        throw Refused{to_mark(mark), fmt::format("more than {} values in one file", limits_.max_nodes)};
    Node& node = tree_.nodes.emplace_back();
    node.kind = kind;
    node.mark = last_place_ = to_mark(mark);
    ++events_;
    if (anchor != 0) anchors_[anchor] = &node;
    return &node;
}

/// The tags of YAML's own types change nothing here; others would be silently lost.
void Builder::check_tag(const YAML::Mark& mark, const std::string& tag) const
{
    if (tag.size() > 1 && !tag.starts_with("tag:yaml.org,2002:"))
        throw Refused{to_mark(mark), fmt::format("the tag '{}' has no meaning here", base::printable(tag.substr(0, 40)))};
}

void Builder::OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor)
{
    const auto found = anchors_.find(anchor);
    ++events_;
    if (found == anchors_.end()) throw Refused{to_mark(mark), "an alias of something that is not there"};
    const Node* node = found->second;
    if (std::any_of(open_.begin(), open_.end(), [&](const Frame& frame) { return frame.node == node; }))
        throw Refused{to_mark(mark), "an alias that contains itself"};
    weight_ += node->weight;
    bytes_ += node->bytes;
    if (weight_ > limits_.max_nodes)
        throw Refused{to_mark(mark), fmt::format("aliases stand for more than {} values", limits_.max_nodes)};
    if (bytes_ > kMaxExpansion * limits_.max_bytes)
        throw Refused{to_mark(mark), fmt::format("aliases stand for more than {} of text",
                                                 base::format_bytes(kMaxExpansion * limits_.max_bytes))};
    put(node, to_mark(mark));
}

/// yaml-cpp takes the end of the text for the end of an open quote.
void Builder::check_end_of_quote(const YAML::Mark& mark) const
{
    auto at = static_cast<std::size_t>(std::max(mark.pos, 0));
    if (at >= text_.size()) return;
    const char quote = text_[at];
    if (quote != '"' && quote != '\'') return;
    for (++at; at < text_.size(); ++at) {
        if (text_[at] == '\\' && quote == '"') {
            ++at;
        } else if (text_[at] == quote) {
            if (quote == '"' || at + 1 >= text_.size() || text_[at + 1] != quote) return;
            ++at;
        }
    }
    throw Refused{to_mark(mark), fmt::format("a quote {} that is never closed", quote)};
}

void Builder::OnNull(const YAML::Mark& mark, YAML::anchor_t anchor)
{
    constexpr std::string_view kUpper = "NULL";
    Node* node = make(Node::Kind::Null, mark, anchor);
    const auto at = static_cast<std::size_t>(std::max(mark.pos, 0));
    if (at <= text_.size() && text_.substr(at).starts_with(kUpper)) node->text = kUpper;
    put(node);
}

void Builder::OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, const std::string& value)
{
    check_tag(mark, tag);
    Node* node = make(Node::Kind::Scalar, mark, anchor);
    node->plain = tag == "?";
    node->text = with_whole_escapes(value);
    node->bytes = node->text.size();
    bytes_ += node->bytes;
    if (value.size() > limits_.max_scalar)
        throw Refused{node->mark, fmt::format("a text of {}, at most {} are taken", base::format_bytes(value.size()),
                                              base::format_bytes(limits_.max_scalar))};
    if (tag == "!") check_end_of_quote(mark);
    if (value.find('\0') != std::string::npos) throw Refused{node->mark, "a NUL character in a text"};
    put(node);
}

void Builder::OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                              YAML::EmitterStyle::value)
{
    open(Node::Kind::List, mark, tag, anchor);
}

void Builder::OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                              YAML::EmitterStyle::value)
{
    open(Node::Kind::Map, mark, tag, anchor);
}

void Builder::open(Node::Kind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor)
{
    check_tag(mark, tag);
    if (open_.size() >= limits_.max_depth)
        throw Refused{to_mark(mark), fmt::format("nested more than {} deep", limits_.max_depth)};
    Node* node = make(kind, mark, anchor);
    open_.push_back({.node = node, .key = {}, .key_mark = {}, .merges = {}, .seen = {}});
}

void Builder::close()
{
    ++events_;
    Frame frame = std::move(open_.back());
    for (const Node* source : frame.merges) merge(frame, source);
    for (const Node::Entry& entry : frame.node->entries) {
        frame.node->weight += 1 + entry.value->weight;
        frame.node->bytes += entry.key.size() + entry.value->bytes;
    }
    open_.pop_back();
    put(frame.node);
}

/// A merged key never wins over one that is written out (YAML merge key type).
void Builder::merge(Frame& frame, const Node* source)
{
    for (const Node::Entry& entry : source->entries)
        if (frame.seen.emplace(entry.key, entry.key_mark).second) frame.node->entries.push_back(entry);
}

/// Whether the innermost open list is that of the apps: such a file is refused before it is read to its end.
bool Builder::holds_apps() const
{
    return open_.size() == 1 || (open_.size() == 2 && (open_.front().key == "apps" || open_.front().key == "pm2"));
}

void Builder::put(const Node* node, Mark place)
{
    if (open_.empty()) {
        tree_.root = node;
        return;
    }
    Frame& frame = open_.back();
    if (frame.node->kind == Node::Kind::List) {
        frame.node->entries.push_back({{}, place, node});
        if (frame.node->entries.size() > limits_.max_top_items && holds_apps())
            throw Refused{place, fmt::format("more than {} apps in one file", limits_.max_top_items)};
    } else if (frame.key_waits) {
        put_value(frame, node, place);
    } else {
        put_key(frame, node);
    }
}

void Builder::put_key(Frame& frame, const Node* node)
{
    if (node->kind != Node::Kind::Scalar) throw Refused{node->mark, "a key must be a text"};
    frame.key_waits = true;
    frame.key = node->text;
    frame.key_mark = node->mark;
    frame.skip_value = false;
    if (node->plain && node->text == "<<") return;
    const auto [first, fresh] = frame.seen.emplace(node->text, node->mark);
    if (fresh) return;
    frame.skip_value = true;
    report_twice(frame, node->mark, first->second);
}

void Builder::report_twice(const Frame& frame, Mark place, Mark first)
{
    std::deque<Path> steps(1); // each points to the one before: a deque keeps them where they are
    for (const Frame& outer : open_) {
        if (&outer == &frame) break;
        if (outer.node->kind == Node::Kind::List)
            steps.emplace_back(steps.back(), outer.node->entries.size());
        else
            steps.emplace_back(steps.back(), outer.key);
    }
    report_.fault(place, Path(steps.back(), frame.key), fmt::format("given twice, first at line {}", first.line));
}

void Builder::put_value(Frame& frame, const Node* node, Mark place)
{
    frame.key_waits = false;
    if (frame.skip_value) return;
    const bool is_merge = frame.key == "<<" && !frame.seen.contains(frame.key);
    if (!is_merge) {
        frame.node->entries.push_back({std::move(frame.key), frame.key_mark, node});
        return;
    }
    const auto is_map = [](const Node* source) { return source->kind == Node::Kind::Map; };
    if (is_map(node)) {
        frame.merges.push_back(node);
        return;
    }
    for (const Node::Entry& entry : node->entries) {
        if (!is_map(entry.value)) throw Refused{place, "'<<' takes a map or a list of maps"};
        frame.merges.push_back(entry.value);
    }
    if (node->kind != Node::Kind::List) throw Refused{place, "'<<' takes a map or a list of maps"};
}

bool refuse_text(std::string_view text, const TreeLimits& limits, Report& report)
{
    std::string message;
    if (text.size() > limits.max_bytes)
        message = fmt::format("{} of text, at most {} are read", base::format_bytes(text.size()),
                              base::format_bytes(limits.max_bytes));
    else if (text.find('\0') != std::string_view::npos)
        message = "a NUL character in the text";
    else if (!base::is_valid_utf8(text))
        message = "the text is not UTF-8";
    if (message.empty()) return false;
    report.fault({}, {}, std::move(message));
    return true;
}

} // namespace

const Node* Node::find(std::string_view key) const noexcept
{
    if (kind != Kind::Map) return nullptr;
    for (const Entry& entry : entries)
        if (entry.key == key) return entry.value;
    return nullptr;
}

bool same_value(const Node& left, const Node& right) noexcept
{
    const auto same = [](const Node::Entry& one, const Node::Entry& other) { return one.key == other.key && same_value(*one.value, *other.value); };
    return left.kind == right.kind && left.text == right.text && std::ranges::equal(left.entries, right.entries, same);
}

Tree read_yaml(std::string_view text, const TreeLimits& limits, Report& report)
{
    constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
    if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
    if (refuse_text(text, limits, report)) return {};
    const Source source(text);
    Builder builder(source, limits, report);
    try {
        MeteredText buffer(source.text(), builder.events());
        std::istream stream(&buffer);
        YAML::Parser parser(stream);
        while (parser.HandleNextDocument(builder)) {}
        return builder.take();
    } catch (const MeteredText::TooFarAhead&) {
        report.fault(builder.last_place(), {},
                     fmt::format("behind this: one value of more than {}, or of more than {} brackets",
                                 base::format_bytes(MeteredText::kMaxAhead), MeteredText::kMaxBrackets));
    } catch (const Refused& refused) {
        report.fault(refused.mark, {}, refused.message);
    } catch (const YAML::Exception& fault) {
        report.fault(source.place(fault.mark), {}, "syntax: " + base::printable(fault.msg));
    } catch (const std::exception& fault) { // out of memory, or something yaml-cpp lets through
        report.fault({}, {}, std::string("the text cannot be read: ") + fault.what());
    }
    return {};
}

} // namespace pm::config
