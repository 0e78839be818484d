#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
printf 'Name: '
read -r name <"$PM_NAME"
echo "$name"
echo done
exec sleep 1000
