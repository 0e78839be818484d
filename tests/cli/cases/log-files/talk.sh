#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
echo out
echo end >&2
exec sleep 1000
