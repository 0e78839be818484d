// SPDX-License-Identifier: Apache-2.0
// The same as src/pch/standard.hpp for tests.
#include "../../src/pch/standard.hpp"

#include <gtest/gtest.h>
