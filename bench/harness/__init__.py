# SPDX-License-Identifier: Apache-2.0
"""The benchmark of pmd beside its peers; bench/README.md tells the method."""
