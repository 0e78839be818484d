# SPDX-License-Identifier: Apache-2.0
echo hello
exec sleep 1000
