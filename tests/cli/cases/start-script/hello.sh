#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
for word; do echo "word: $word"; done
echo "in $(pwd)"
echo "env: $MARK"
exec sleep 1000
