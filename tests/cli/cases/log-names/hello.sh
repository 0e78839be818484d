#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
echo "I am $1"
exec sleep 1000
