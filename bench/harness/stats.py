# SPDX-License-Identifier: Apache-2.0
"""Samples by name, and the few figures that are told of them."""

import collections
import statistics


def percentile(values, share):
    """Nearest rank: a value that was measured, never one in between."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def summary(values):
    return {"n": len(values), "median": statistics.median(values), "p95": percentile(values, 0.95), "min": min(values),
            "max": max(values)}


class Samples:
    """(benchmark, metric, manager) -> list of values."""

    def __init__(self):
        self.values = collections.OrderedDict()

    def add(self, bench, metric, manager, *values):
        self.values.setdefault((bench, metric), collections.OrderedDict()).setdefault(manager, []).extend(values)

    def median(self, bench, metric, manager):
        values = self.values.get((bench, metric), {}).get(manager)
        return statistics.median(values) if values else None

    def worst(self, bench, metric, manager):
        values = self.values.get((bench, metric), {}).get(manager)
        return max(values) if values else None

    def __iter__(self):
        for (bench, metric), managers in self.values.items():
            yield bench, metric, {name: summary(values) for name, values in managers.items()}
