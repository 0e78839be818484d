#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
head -c 300000 /dev/zero | tr '\0' x
echo
echo next
exec sleep 1000
