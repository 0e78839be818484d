// SPDX-License-Identifier: Apache-2.0
// The same as standard.hpp for what sees sdbus-c++.
#include "standard.hpp"

#include "sdbus_versions.hpp"
