#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
echo "I am $PM_NAME"
exec sleep 1000
