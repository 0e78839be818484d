#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# "The code" is read once, at the start.
echo "run $(cat version)"
exec sleep 1000
