// SPDX-License-Identifier: Apache-2.0
#include "cli/view/progress.hpp"

#include <gtest/gtest.h>

namespace pm::cli
{
namespace
{

using namespace std::chrono_literals;

class ProgressTest : public ::testing::Test
{
protected:
    /// What `steps` make a progress line write to standard error.
    template <typename Steps>
    std::string written(const Terminal& terminal, Steps&& steps)
    {
        ::testing::internal::CaptureStderr();
        {
            Progress progress(terminal, "stopping web", [this] { return now_; });
            steps(progress);
        }
        return ::testing::internal::GetCapturedStderr();
    }

    std::chrono::steady_clock::time_point now_{};
    const Terminal ascii_{.is_terminal = true, .width = 80};
};

TEST_F(ProgressTest, WhatIsOverSoonNeedsNone)
{
    EXPECT_EQ(written(ascii_,
                      [&](Progress& progress) {
                          progress.on_event("exit", "web", 0);
                          now_ += 299ms;
                          progress.on_tick();
                      }),
              "");
}

TEST_F(ProgressTest, TellsTheTimeAndTheLastEventAndGoes)
{
    EXPECT_EQ(written(ascii_,
                      [&](Progress& progress) {
                          now_ += 1s;
                          progress.on_tick();
                          now_ += 1500ms;
                          progress.on_event("exit", "web", 3);
                      }),
              "\r\033[Kstopping web (1s)...\r\033[Kstopping web (2s)...  web (id 3): exit\r\033[K");
}

TEST_F(ProgressTest, LeavesTheTerminalToAQuestion)
{
    EXPECT_EQ(written(ascii_,
                      [&](Progress& progress) {
                          now_ += 1s;
                          progress.on_tick();
                          progress.on_question();
                          now_ += 1s;
                          progress.on_tick();
                          progress.on_event("exit", "web", 3);
                      }),
              "\r\033[Kstopping web (1s)...\r\033[K");
}

TEST_F(ProgressTest, StaysWithinTheLine)
{
    const Terminal narrow{.is_terminal = true, .width = 12, .unicode = true};
    EXPECT_EQ(written(narrow,
                      [&](Progress& progress) {
                          now_ += 1s;
                          progress.on_tick();
                      }),
              "\r\033[Kstopping w\xe2\x80\xa6\r\033[K");
}

TEST_F(ProgressTest, IsHarmless)
{
    const std::string text = written(ascii_, [&](Progress& progress) {
        now_ += 1s;
        progress.on_event("e\n", "a\033[2J", 0);
    });
    EXPECT_EQ(text.find('\n'), std::string::npos);
    EXPECT_EQ(text.find("\033[2J"), std::string::npos);
}

} // namespace
} // namespace pm::cli
