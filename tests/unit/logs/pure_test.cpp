// SPDX-License-Identifier: Apache-2.0
// The parts that touch nothing: splitting, names of files, forms of lines.
#include "logs/dates.hpp"
#include "logs/format.hpp"
#include "logs/line_dates.hpp"
#include "logs/line_splitter.hpp"

#include <cstdlib>
#include <ctime>
#include <gtest/gtest.h>
#include <map>
#include <nlohmann/json.hpp>

namespace pm::logs {
namespace {

using namespace std::string_literals;

/// All that the splitter gives for `chunks`, and at the end of file, as one text; '|': a line was cut there. The chunk "..."
/// is a time in which nothing comes.
std::string split(const std::vector<std::string>& chunks, std::size_t max_line)
{
    LineSplitter splitter;
    LineBatch batch;
    std::string all;
    bool open = false;
    const auto take = [&] {
        if (!batch.empty()) {
            EXPECT_EQ(batch.continues(), open) << all;
        }
        for (const auto block : batch.blocks()) {
            open = !block.ends_with('\n');
            all += block;
            if (open) all += '|';
        }
        EXPECT_EQ(splitter.is_open(), open) << all;
        batch.clear();
    };
    for (const std::string& chunk : chunks) {
        if (chunk == "...")
            splitter.flush(batch);
        else
            splitter.feed(chunk, max_line, batch);
        take();
    }
    splitter.finish(batch);
    take();
    return all;
}

TEST(LineSplitter, Table)
{
    struct Row {
        std::vector<std::string> chunks;
        std::size_t max_line;
        std::string expected;
    };
    const std::vector<Row> rows = {
        {{}, 10, ""},
        {{"a\n"}, 10, "a\n"},
        {{"a"}, 10, "a\n"},
        {{"\n\n"}, 10, "\n\n"},
        {{"a\nb\nc"}, 10, "a\nb\nc\n"},
        {{"ab", "cd", "\nef", "\n"}, 10, "abcd\nef\n"},
        {{"a", "\n", "\n"}, 10, "a\n\n"},
        {{"12345678\n"}, 8, "12345678\n"},
        {{"123456789\n"}, 8, "12345678|9\n"},
        {{"12345678", "\n"}, 8, "12345678\n"},
        {{"12345678", "9\n"}, 8, "12345678|9\n"},
        {{"1234567890123456\n"}, 8, "12345678|90123456\n"},
        {{"12345678901234567"}, 8, "12345678|90123456|7\n"},
        {{"a\n1234567890\nb\n"}, 8, "a\n12345678|90\nb\n"},
        {{"1234567\xc3\xa9z\n"}, 8, "1234567|\xc3\xa9z\n"},       // a character is not torn
        {{"12345\xf0\x9f\x98\x80z\n"}, 8, "12345|\xf0\x9f\x98\x80z\n"},
        {{"\x80\x80\x80\x80\x80\x80\x80\x80\x80\n"}, 8, "\x80\x80\x80\x80\x80\x80\x80\x80|\x80\n"},
        {{"Name: ", "...", "Ada\nName: ", "..."}, 20, "Name: |Ada\nName: |\n"},
        {{"Name: ", "...", "\n"}, 20, "Name: |\n"},
        {{"a\n", "..."}, 20, "a\n"},
        {{"...", "\r1", "...", "...", "\r2", "..."}, 20, "\r1|\r2|\n"},
        {{"caf\xc3", "...", "\xa9: ", "...", "x\n"}, 20, "caf|\xc3\xa9: |x\n"},
        {{"caf\xe9", "...", "...", "!\n"}, 20, "caf|\xe9|!\n"}, // in Latin-1 it is whole, though it looks as if it were not
        {{"a\0b\n"s, "\xff\n"}, 8, "a\0b\n\xff\n"s},
    };
    for (std::size_t i = 0; i < rows.size(); ++i)
        EXPECT_EQ(split(rows[i].chunks, rows[i].max_line), rows[i].expected) << "row " << i;
}

TEST(LineSplitter, HowItIsCutIntoChunksDoesNotMatter)
{
    const std::string text = "one\n\ntwo three four five\n\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\nlast line without end";
    const std::string whole = split({text}, 8);
    for (std::size_t first = 0; first <= text.size(); ++first)
        for (std::size_t second = first; second <= text.size(); ++second)
            ASSERT_EQ(split({text.substr(0, first), text.substr(first, second - first), text.substr(second)}, 8), whole)
                << first << ' ' << second;
}

TEST(LineSplitter, CompleteLinesAreNotCopied)
{
    LineSplitter splitter;
    LineBatch batch;
    const std::string text = "a\nb\nc\nd";
    splitter.feed(text, 100, batch);
    ASSERT_EQ(batch.blocks().size(), 1u);
    EXPECT_EQ(batch.blocks()[0].data(), text.data());
    EXPECT_EQ(batch.blocks()[0].size(), 6u);
}

struct PathRow {
    std::string name, out_file, error_file, log_file;
    bool merge, disable, several;
    struct {
        std::string out, err, combined;
    } expected;
};

TEST(LogPaths, Table)
{
    const std::vector<PathRow> rows = {
        {"web", "", "", "", false, false, false, {"/l/web-2-out.log", "/l/web-2-error.log", ""}},
        {"web", "", "", "", false, false, true, {"/l/web-2-out.log", "/l/web-2-error.log", ""}},
        {"web", "", "", "", true, false, true, {"/l/web-out.log", "/l/web-error.log", ""}},
        {"web", "", "", "default", false, false, false, {"/l/web-2-out.log", "/l/web-2-error.log", "/l/web.log"}},
        {"web", "", "", "default", false, false, true, {"/l/web-2-out.log", "/l/web-2-error.log", "/l/web-2.log"}},
        {"web", "", "", "default", true, false, true, {"/l/web-out.log", "/l/web-error.log", "/l/web.log"}},
        {"web", "/x/o.log", "/x/e", "/x.d/all", false, false, false, {"/x/o.log", "/x/e", "/x.d/all"}},
        {"web", "/x/o.log", "/x/e", "/x.d/all", false, false, true, {"/x/o-2.log", "/x/e-2", "/x.d/all-2"}},
        {"web", "/x/o.log", "/x/e", "/x.d/all", true, false, true, {"/x/o.log", "/x/e", "/x.d/all"}},
        {"web", "/x/.hidden", "/x/a.b.c", "", false, false, true, {"/x/.hidden-2", "/x/a.b-2.c", ""}},
        {"web", "/dev/null", "/dev/stderr", "/dev/null", false, false, true, {"", "/dev/stderr", ""}},
        {"web", "/x/o.log", "", "default", false, true, false, {"", "", ""}},
        {"../a b/\xc3\xa9", "", "", "", true, false, false, {"/l/..%2fa%20b%2f\xc3\xa9-out.log", "/l/..%2fa%20b%2f\xc3\xa9-error.log", ""}},
        {"@shop/api", "", "", "", false, false, false, {"/l/@shop%2fapi-2-out.log", "/l/@shop%2fapi-2-error.log", ""}},
        {"-rf", "", "", "default", false, false, false, {"/l/%2drf-2-out.log", "/l/%2drf-2-error.log", "/l/%2drf.log"}},
        {"web-0", "", "", "default", true, false, false, {"/l/web%2d0-out.log", "/l/web%2d0-error.log", "/l/web%2d0.log"}},
        {"web-0", "", "", "default", false, false, false, {"/l/web-0-2-out.log", "/l/web-0-2-error.log", "/l/web%2d0.log"}},
        {"a-0-out", "", "", "default", false, false, true, {"/l/a-0-out-2-out.log", "/l/a-0-out-2-error.log", "/l/a-0-out-2.log"}},
        {"a-0-out", "", "", "default", false, false, false, {"/l/a-0-out-2-out.log", "/l/a-0-out-2-error.log", "/l/a-0%2dout.log"}},
    };
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const PathRow& row = rows[i];
        model::AppSpec spec;
        spec.name = row.name;
        spec.logs.out_file = row.out_file;
        spec.logs.error_file = row.error_file;
        spec.logs.log_file = row.log_file;
        spec.logs.merge_logs = row.merge;
        spec.logs.disable_logs = row.disable;
        const LogPaths paths = log_paths(spec, base::Slot{2}, row.several, "/l");
        EXPECT_EQ(paths.out.path, row.expected.out) << "row " << i;
        EXPECT_EQ(paths.err.path, row.expected.err) << "row " << i;
        EXPECT_EQ(paths.combined.path, row.expected.combined) << "row " << i;
    }
}

TEST(LogPaths, NoTwoAppsShareAFile)
{
    const std::vector<std::string> names{
        "\u8ba2\u5355\u670d\u52a1", "\u7528\u6237\u670d\u52a1", "caf\u00e9", "caf\u00eb", "cafe", "api:web", "api-web", "api/web", "api web", "api%20web",
        "@shop/api", "-x", "x", "%2dx", "--x", "web", "web-0", "web-0-0", "web-0-out", "web-out", "web-0-error", "web%2d0", "a\xff", "a\xfe",
        std::string(120, '/') + "a", std::string(120, '/') + "b", "%_", "0", "-0", "1-0", "..", "a.log", "web-0-out.log"};
    std::map<std::string, std::string> whose;
    for (const std::string& name : names)
        for (const bool merge : {false, true})
            for (const bool several : {false, true})
                for (const std::uint32_t slot : {0U, 1U}) {
                    model::AppSpec spec;
                    spec.name = name;
                    spec.logs.log_file = "default";
                    spec.logs.merge_logs = merge;
                    const LogPaths paths = log_paths(spec, base::Slot{slot}, several, "/l");
                    for (const std::string& path : {paths.out.path, paths.err.path, paths.combined.path}) {
                        EXPECT_EQ(whose.try_emplace(path, name).first->second, name) << path;
                        EXPECT_FALSE(path.starts_with("/l/-")) << path;
                        EXPECT_EQ(path.rfind('/'), 2U) << path;
                        EXPECT_LE(path.size(), 3U + 255U);
                    }
                }
}

TEST(LogPaths, AFolderKeepsAppsApart)
{
    model::AppSpec spec;
    spec.name = "web";
    spec.logs.folder = "1001";
    spec.logs.log_file = "default";
    spec.logs.error_file = "/x/err.log";
    const LogPaths paths = log_paths(spec, base::Slot{0}, false, "/l");
    EXPECT_EQ(paths.out.path, "/l/1001/web-0-out.log");
    EXPECT_EQ(paths.err.path, "/x/err.log");
    EXPECT_EQ(paths.combined.path, "/l/1001/web.log");
}

TEST(LogPaths, LongNamesFitAFileName)
{
    model::AppSpec spec;
    spec.name = std::string(1000, 'x');
    EXPECT_LE(log_paths(spec, base::Slot{4'000'000'000}, true, "/l").err.path.size(), 3u + 255u);
}

TEST(Format, JsonStringsAreAlwaysValidAndKeepWhatIsUtf8)
{
    const std::vector<std::pair<std::string, std::string>> rows = {
        {"plain", "plain"},
        {"q\"b\\s/t\tr\rn\n", "q\"b\\s/t\tr\rn\n"},
        {"\0\x01\x1f\x7f"s, "\0\x01\x1f\x7f"s},
        {"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"},
        {"a\xff" "b\xc3", "a\xef\xbf\xbd" "b\xef\xbf\xbd"},
        {"\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd"},
        {"\xe2\x82", "\xef\xbf\xbd\xef\xbf\xbd"},
    };
    for (const auto& [text, expected] : rows) {
        std::string json;
        append_json_string(json, text);
        EXPECT_EQ(nlohmann::json::parse(json).get<std::string>(), expected);
    }
}

class FileForm : public testing::Test {
protected:
    void SetUp() override
    {
        setenv("TZ", "UTC", 1);
        tzset();
    }
    std::string form(std::string_view lines)
    {
        std::string to;
        const std::array<std::string_view, 1> blocks{lines};
        append_for_file(to, blocks, spec, Origin{"we\"b", {7}, {1}}, Stream::Err, when);
        return to;
    }
    model::LogSpec spec;
    model::WallTime when{std::chrono::milliseconds(1'700'000'000'123)};
};

TEST_F(FileForm, DateStandsBeforeEachLine)
{
    spec.date_format = "%Y-%m-%d %H:%M:%S";
    EXPECT_FALSE(is_verbatim(spec));
    EXPECT_EQ(form("a\n\nb\n"), "2023-11-14 22:13:20: a\n2023-11-14 22:13:20: \n2023-11-14 22:13:20: b\n");
}

TEST_F(FileForm, PiecesOfALineHaveOneDate)
{
    spec.date_format = "%Y";
    std::string to;
    const auto add = [&](const std::vector<std::string_view>& blocks, bool continues) {
        append_for_file(to, blocks, spec, Origin{"web", {7}, {1}}, Stream::Out, when, continues);
    };
    add({"a\nNa", "me: "}, false);
    add({"Ada\nb\n"}, true);
    EXPECT_EQ(to, "2023: a\n2023: Name: Ada\n2023: b\n");
    EXPECT_EQ(before_rest(spec, when), "2023: [continued] ");
}

TEST_F(FileForm, PiecesOfALineAreToldInJson)
{
    spec.type = model::LogType::Json;
    std::string to;
    append_for_file(to, std::vector<std::string_view>{"rest\nNa", "me: "}, spec, Origin{"web", {7}, {1}}, Stream::Out, when, true);
    std::istringstream lines(to);
    std::vector<std::string> seen;
    for (std::string line; std::getline(lines, line);) {
        const auto object = nlohmann::json::parse(line);
        seen.push_back(object["message"].get<std::string>() + (object.value("continued", false) ? " continued" : "") +
                       (object.value("partial", false) ? " partial" : ""));
    }
    EXPECT_EQ(seen, (std::vector<std::string>{"rest continued", "Na partial", "me:  continued partial"}));
}

TEST_F(FileForm, DateThatCannotBeMadeIsLeftOut)
{
    spec.date_format = std::string(400, 'x');
    EXPECT_EQ(form("a\n"), "a\n");
}

TEST_F(FileForm, JsonHasPm2sKeysAndOneObjectALine)
{
    spec.type = model::LogType::Json;
    EXPECT_FALSE(is_verbatim(spec));
    const std::string text = form("say \"hi\"\nb\n");
    EXPECT_EQ(count_lines(text), 2u);
    const nlohmann::json expected = {{"message", "say \"hi\""}, {"timestamp", "2023-11-14T22:13:20.123Z"},
                                     {"type", "err"}, {"process_id", 7}, {"app_name", "we\"b"}};
    EXPECT_EQ(nlohmann::json::parse(text.substr(0, text.find('\n'))), expected);
}

TEST_F(FileForm, JsonUsesTheDateFormat)
{
    spec.type = model::LogType::Json;
    spec.date_format = "%Y";
    EXPECT_EQ(nlohmann::json::parse(form("x\n"))["timestamp"], "2023");
}

TEST(Format, VerbatimNeedsNoForm) { EXPECT_TRUE(is_verbatim(model::LogSpec{})); }

std::optional<model::WallTime> date(std::string_view line, const std::string& format, model::LogType type = model::LogType::Raw)
{
    model::LogSpec spec;
    spec.date_format = format;
    spec.type = type;
    return date_of(line, spec);
}

TEST(LineDates, AreReadAsTheyWereWritten)
{
    const model::WallTime when{std::chrono::seconds(1'700'000'007)};
    const Origin origin{"web", {7}, {1}};
    for (const char* format : {"%Y-%m-%dT%H:%M:%S", "%Y-%m-%d at %H:%M:%S %z", "%s", "%d.%m.%y %T", "%c"})
        for (const auto type : {model::LogType::Raw, model::LogType::Json}) {
            model::LogSpec spec;
            spec.date_format = format;
            spec.type = type;
            std::string line;
            append_for_file(line, std::array<std::string_view, 1>{"text \",\"timestamp\":\"1999\n"}, spec, origin, Stream::Out, when);
            EXPECT_EQ(date_of(line, spec), when) << line;
        }
    std::string line;
    model::LogSpec json;
    json.type = model::LogType::Json;
    append_for_file(line, std::array<std::string_view, 1>{"x\n"}, json, origin, Stream::Out, when + std::chrono::milliseconds(9));
    EXPECT_EQ(date_of(line, json), when + std::chrono::milliseconds(9)) << line;
}

class Dates : public testing::Test {
protected:
    void SetUp() override { zone("IST-5:30"); }
    void TearDown() override { zone("UTC"); }
    static void zone(const char* name)
    {
        setenv("TZ", name, 1);
        tzset();
    }
    /// Monday, 2026-11-23 03:07:09.045678 in India.
    model::WallTime when{std::chrono::microseconds(1'795'383'429'045'678)};
};

TEST_F(Dates, HaveTokensThatStrftimeDoesNot)
{
    for (const auto& [format, expected] : std::vector<std::pair<std::string, std::string>>{
             {"%Y-%m-%d %H:%M:%S.%{SSS} %{Z}", "2026-11-23 03:07:09.045 +05:30"},
             {"%z", "+0530"},
             {"%{x}", "1795383429045"},
             {"%{S} %{SS} %{SSSSSS}", "0 04 045678"},
             {"%{Do} %{dd} %{do} %{Q} %{Qo} %{Mo} %{DDD}", "23rd Mo 1st 4 4th 11th 327"},
             {"%{k} %{kk} %{w} %{ww} %{wo} %{gggg} %{Wo}", "3 03 48 48 48th 2026 48th"},
             {"%%{x} %{nothing", "%{x} %{nothing"},
         })
        EXPECT_EQ(format_date(format, when), expected);
    zone("XXX3:30");
    EXPECT_EQ(format_date("%{Z}", when), "-03:30");
}

TEST_F(Dates, OrdinalsAndWeeksAtTheirEdges)
{
    const auto on = [](int year, unsigned month, unsigned day, const char* format) {
        using namespace std::chrono;
        return format_date(format, sys_days(year_month_day(std::chrono::year(year), std::chrono::month(month), std::chrono::day(day))));
    };
    const std::vector<std::string> expected{"1st", "2nd", "3rd", "4th", "10th", "11th", "12th", "13th", "21st", "22nd", "23rd", "30th", "31st"};
    std::vector<std::string> seen;
    for (const unsigned day : {1U, 2U, 3U, 4U, 10U, 11U, 12U, 13U, 21U, 22U, 23U, 30U, 31U}) seen.push_back(on(2026, 1, day, "%{Do}"));
    EXPECT_EQ(seen, expected);
    EXPECT_EQ(on(2026, 12, 26, "%{w} %{gggg}"), "52 2026");
    EXPECT_EQ(on(2026, 12, 27, "%{w} %{gggg}"), "1 2027"); // the Sunday of the week of January 1st
    EXPECT_EQ(on(2027, 1, 2, "%{w} %{gggg}"), "1 2027");
    EXPECT_EQ(on(2027, 1, 3, "%{w} %{gggg}"), "2 2027");
}

TEST_F(Dates, WithTokensAreReadAsTheyWereWritten)
{
    using namespace std::chrono;
    const auto until = [this](auto unit) { return floor<decltype(unit)>(when); };
    for (const char* format : {"%Y-%m-%d %H:%M:%S.%{SSS} %{Z}", "%{x}", "%{dd} %b %{Do} %Y, %H:%M:%S,%{SSS}", "%{SSS} %Y-%m-%d %T"})
        EXPECT_EQ(read_date(format_date(format, when) + ": text", format, false), until(milliseconds{})) << format;
    EXPECT_EQ(read_date(format_date("%{SSSSSS} %F %T", when), "%{SSSSSS} %F %T", false), when);
    EXPECT_EQ(read_date(format_date("%b %{Do} %Y %I:%M:%S %p", when), "%b %{Do} %Y %I:%M:%S %p", false), until(seconds{}));
    for (const char* text : {"2026-11-23 03:07:09.xyz", "2026-11-23 03:07:09.1", "", "nonsense"})
        EXPECT_FALSE(read_date(text, "%Y-%m-%d %H:%M:%S.%{SSS}", false)) << text;
}

TEST(LineDates, AreUnknownWhereTheFileDoesNotTell)
{
    EXPECT_FALSE(date("2026-11-25 10:00:00: x", ""));
    EXPECT_FALSE(date("10:00:00: x", "%H:%M:%S"));
    EXPECT_FALSE(date("2026-11-25: x", "%Y-%m-%d"));
    EXPECT_FALSE(date("11-25 10:00: x", "%m-%d %H:%M"));
    EXPECT_FALSE(date("from before", "%Y-%m-%d %H:%M:%S"));
    EXPECT_FALSE(date("", "%Y-%m-%d %H:%M:%S"));
    EXPECT_FALSE(date("no object", "", model::LogType::Json));
}

TEST(Format, ReaderLines)
{
    const Origin origin{"web", {7}, {1}};
    std::string text;
    ReaderLines(ReaderFormat::Raw, origin, Stream::Out).append(text, {"\xff x"}, model::WallTime{});
    EXPECT_EQ(text, "\xff x\n");
    text.clear();
    ReaderLines(ReaderFormat::Json, origin, Stream::Out).append(text, {"x"}, std::nullopt);
    EXPECT_EQ(text, "{\"app\":\"web\",\"id\":7,\"slot\":1,\"stream\":\"out\",\"line\":\"x\"}\n");
    text.clear();
    ReaderLines(ReaderFormat::Json, origin, Stream::Err).append(text, {"x"}, model::WallTime{std::chrono::microseconds(5)});
    EXPECT_EQ(nlohmann::json::parse(text)["time"], 5);
    EXPECT_EQ(nlohmann::json::parse(text)["stream"], "err");
    text.clear();
    ReaderLines(ReaderFormat::Json, origin, Stream::Messages)
        .append(text, {"[1.0]"}, model::WallTime{std::chrono::microseconds(5)});
    EXPECT_EQ(text, "{\"app\":\"web\",\"id\":7,\"slot\":1,\"message\":[1.0],\"time\":5}\n");
    text.clear();
    ReaderLines(ReaderFormat::Json, origin, Stream::Out).append(text, {"x", true, true}, std::nullopt);
    EXPECT_EQ(text, "{\"app\":\"web\",\"id\":7,\"slot\":1,\"stream\":\"out\",\"line\":\"x\",\"continued\":true,\"partial\":true}\n");
    text.clear();
    ReaderLines(ReaderFormat::Raw, origin, Stream::Out).append(text, {"x", false, true}, std::nullopt);
    EXPECT_EQ(text, "x");
    EXPECT_EQ(nlohmann::json::parse(lost_marker(ReaderFormat::Json, 3))["lost"], 3);
    EXPECT_EQ(lost_marker(ReaderFormat::Raw, 3), "... 3 lines lost ...\n");
}

} // namespace
} // namespace pm::logs
