# SPDX-License-Identifier: Apache-2.0
echo "$0 $1"
exec sleep 1000
