#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
for i in 1 2 3; do echo "out $i"; done
for i in 1 2; do echo "err $i" >&2; done
exec sleep 1000
