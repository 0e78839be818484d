#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
for i in 1 2 3; do echo "Out $i"; done
echo "err 1" >&2
echo "<3>err 2" >&2
exec sleep 1000
