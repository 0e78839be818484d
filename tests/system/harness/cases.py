# SPDX-License-Identifier: Apache-2.0
"""The cases, what they need, and their results as the machines tell them on their consoles (guest/run-cases)."""

import collections
import json
import pathlib
import re

CASES = pathlib.Path(__file__).resolve().parent.parent / "cases"

# What a case may need beyond a booted system; in its head: "# needs: controllers".
NEEDS = {"controllers": "control groups with memory, cpu and pids controllers", "reboot": "disk that outlives a reboot"}

Case = collections.namedtuple("Case", "name needs")
Result = collections.namedtuple("Result", "name verdict seconds why output")


def all_cases():
    return [Case(path.name, needs_of(path)) for path in sorted(CASES.iterdir())]


def needs_of(path):
    line = re.search(r"^# needs: (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    needs = set(line.group(1).split()) if line else set()
    if needs - NEEDS.keys():
        raise SystemExit(f"{path}: nobody knows what it needs: {', '.join(sorted(needs - NEEDS.keys()))}")
    return needs


def results(console, expected):
    """One result for each expected case; those that a machine tells nothing of have failed."""
    found, output = {}, []
    for line in console.replace("\r", "").splitlines():
        if line.startswith("@@ begin "):
            output = []
        elif line.startswith("| "):
            output.append(line[2:])
        elif line.startswith("@@ end "):
            _, _, name, verdict, seconds, *why = line.split(" ", 5)
            found[name] = Result(name, verdict, int(seconds), "".join(why), ending_with_the_case(output))
    lost = "its machine ended, or did not answer any more, before the case was over"
    tail = "\n".join(console.splitlines()[-60:])
    return [found.get(name, Result(name, "failed", 0, lost, tail)) for name in expected]


def ending_with_the_case(output):
    """What a failed case said after what is shown of its machine, as it is the end that is looked at."""
    at = next((number for number, line in enumerate(output) if line == "-- units"), len(output))
    return "\n".join(output[at:] + (["-- the case"] if at < len(output) else []) + output[:at])


def write_log(directory, everything, prefix="system"):
    """In the form of meson's testlog.json, so that tools/test-summary counts them."""
    words = {"ok": "OK", "failed": "FAIL", "skipped": "SKIP"}
    directory.mkdir(parents=True, exist_ok=True)
    with open(directory / "testlog.json", "w", encoding="utf-8") as log:
        for result in everything:
            told = result.output if result.verdict != "skipped" else f"skipped: {result.why}"
            log.write(json.dumps({"name": f"{prefix}.{result.name}", "result": words[result.verdict], "stdout": told}) + "\n")
