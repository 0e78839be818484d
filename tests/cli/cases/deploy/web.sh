#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
runs=$(cat runs 2>/dev/null || echo 0); runs=$((runs + 1)); echo $runs > runs
echo "run $runs"
exec sleep 1000
