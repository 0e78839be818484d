# SPDX-License-Identifier: Apache-2.0
"""The tables on the terminal, and the JSON."""

import datetime
import json
import os
import platform


def figure(value):
    if value is None:
        return "-"
    if value == 0:
        return "0"
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def cell(summaries, name, subject):
    """median / p95, and how many times the subject's median it is."""
    own = summaries.get(name)
    if own is None:
        return "-"
    text = f"{figure(own['median'])} / {figure(own['p95'])}"
    base = summaries.get(subject)
    if name != subject and base and base["median"] > 0:
        text += f"  x{figure(own['median'] / base['median'])}"
    return text


def print_table(heads, rows):
    widths = [max(len(row[column]) for row in [heads, *rows]) for column in range(len(heads))]
    for row in [heads, *rows]:
        print("  " + row[0].ljust(widths[0]) + "".join("  " + text.rjust(width) for text, width in zip(row[1:], widths[1:])))


def kinds_that_were(rows):
    """Without the kinds of loss that nobody had; the JSON has them all."""
    return [(metric, summaries) for metric, summaries in rows
            if ": lost: " not in metric or any(summary["max"] for summary in summaries.values())]


def print_results(samples, names, subject="pmd"):
    """A table for each benchmark, of those of `names` that it has. B7 has more than one pmd, so the peer is what is compared with."""
    benches = {}
    for bench, metric, summaries in samples:
        benches.setdefault(bench, []).append((metric, summaries))
    for bench in sorted(benches, key=lambda bench: bench[:2]):
        base = "PM2" if bench.startswith("B7") else subject
        heads = [name for name in names if any(name in summaries for _, summaries in benches[bench])]
        print(f"\n{bench}: median / p95, x: times {base}'s median")
        print_table(["", *heads], [[f"{metric}  (n={max(summary['n'] for summary in summaries.values())})",
                                    *(cell(summaries, name, base) for name in heads)]
                                   for metric, summaries in kinds_that_were(benches[bench])])


def print_aims(rows):
    words = {True: "met", False: "NOT MET", None: "not measured"}
    print("\nAims (medians; 'ever': the worst of all)")
    print_table(["", "measured", "limit", ""],
                [[row["aim"], figure(row["measured"]), figure(row["limit"]), words[row["met"]]] for row in rows])


def machine():
    model = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo", encoding="utf-8")
                  if line.startswith("model name")), platform.machine())
    return {"cpu": model, "cpus": os.cpu_count(), "kernel": platform.release(), "system": distribution(),
            "load_at_start": os.getloadavg()[0]}


def distribution():
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:
        return "unknown"


def write_json(directory, head, samples, aims):
    os.makedirs(directory, exist_ok=True)
    path = os.path.join(directory, datetime.datetime.now().strftime("%Y-%m-%d-%H%M%S") + ".json")
    results = [{"bench": bench, "metric": metric, "managers": summaries} for bench, metric, summaries in samples]
    raw = [{"bench": bench, "metric": metric, "values": managers} for (bench, metric), managers in samples.values.items()]
    with open(path, "w", encoding="utf-8") as file:
        json.dump({**head, "aims": aims, "results": results, "samples": raw}, file, indent=1)
    return path
