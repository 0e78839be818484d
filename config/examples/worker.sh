#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Writes a line a second, as a queue worker would.
trap 'echo "asked to stop after $n jobs"; exit 0' TERM INT
n=0
while :; do
    n=$((n + 1))
    echo "job $n done by process $$"
    sleep 1 &
    wait $!     # a trap runs at once only while the shell waits
done
