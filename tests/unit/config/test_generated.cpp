// SPDX-License-Identifier: Apache-2.0
// What is committed is what the table makes: schemas/app.schema.json and the key list of man/pmd.app.5.
#include "config/app_file.hpp"
#include "config/setting_keys.hpp"

#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <nlohmann/json.hpp>

namespace pm::config::test {
namespace {

std::string content(const std::string& path)
{
    std::ifstream file(std::string(PMD_SOURCE_ROOT "/") + path);
    EXPECT_TRUE(file) << path;
    return {std::istreambuf_iterator<char>(file), {}};
}

TEST(Generated, SchemaIsTheCommittedOne)
{
    EXPECT_TRUE(content("schemas/app.schema.json") == json_schema()) << "make it anew: pm-schema schema > schemas/app.schema.json";
    EXPECT_TRUE(nlohmann::json::accept(json_schema()));
}

TEST(Generated, EverySettingIsInTheSettingsFileThatIsInstalled)
{
    const std::string text = content("config/pmd.yaml");
    const SettingsFile file = parse_settings(text);
    EXPECT_TRUE(file.ok()) << to_string(file.diagnostics.at(0), "pmd.yaml");
    EXPECT_EQ(file.settings, Settings{}) << "what is installed changes nothing";
    for (const Attribute<Settings>& row : setting_keys().rows())
        EXPECT_NE(text.find(std::string(row.key.name) + ":"), std::string::npos) << row.key.name;
}

TEST(Generated, PmTwosExampleIsTaken)
{
    const AppFile file = parse_app_file(content("config/examples/ecosystem.json"), ParseOptions{});
    EXPECT_TRUE(file.ok()) << to_string(file.diagnostics.at(0), "ecosystem.json");
    EXPECT_FALSE(file.apps.empty());
}

TEST(Generated, KeyListOfTheManualIsTheCommittedOne)
{
    const std::string page = content("man/pmd.app.5");
    const auto begin = page.find('\n', page.find(".\\\" keys: begin")) + 1;
    const auto end = page.find(".\\\" keys: end");
    ASSERT_NE(end, std::string::npos);
    EXPECT_TRUE(page.substr(begin, end - begin) == man_page_keys()) << "put the output of 'pm-schema man' between the marks";
}

} // namespace
} // namespace pm::config::test
