#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Never says that it is ready.
exec sleep 1000
