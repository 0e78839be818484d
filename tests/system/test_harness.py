#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The harness itself, without a machine: what a console says becomes results, and a case that is never heard of has failed."""

import json
import pathlib
import tempfile
import unittest

from harness import cases

CONSOLE = """systemd 252 running in system mode
@@ begin good\r
| it says something\r
@@ end good ok 3 \r
@@ begin bad\r
| FAILED line 7: false\r
@@ end bad failed 1 line 7: false\r
@@ begin picky\r
@@ end picky skipped 0 no package was given\r
@@ begin lost\r
| the last that was heard\r
"""


class Results(unittest.TestCase):
    def setUp(self):
        self.results = {result.name: result for result in cases.results(CONSOLE, ["good", "bad", "picky", "lost", "never"])}

    def test_each_case_has_its_verdict_and_reason(self):
        told = {name: (result.verdict, result.why) for name, result in self.results.items() if name in ("good", "bad", "picky")}
        self.assertEqual(told, {"good": ("ok", ""), "bad": ("failed", "line 7: false"), "picky": ("skipped", "no package was given")})

    def test_output_belongs_to_its_case(self):
        self.assertEqual(self.results["good"].output, "it says something")
        self.assertEqual(self.results["bad"].output, "FAILED line 7: false")

    def test_what_a_failed_case_said_comes_last(self):
        self.assertEqual(cases.ending_with_the_case(["why", "-- units", "many lines"]), "-- units\nmany lines\n-- the case\nwhy")

    def test_a_case_without_an_end_or_a_beginning_has_failed(self):
        for name in ("lost", "never"):
            self.assertEqual(self.results[name].verdict, "failed")
            self.assertIn("its machine ended", self.results[name].why)
            self.assertIn("the last that was heard", self.results[name].output)

    def test_the_log_is_what_test_summary_reads(self):
        with tempfile.TemporaryDirectory() as directory:
            cases.write_log(pathlib.Path(directory), self.results.values())
            lines = (pathlib.Path(directory) / "testlog.json").read_text(encoding="utf-8").splitlines()
        words = {record["name"]: record["result"] for record in map(json.loads, lines)}
        self.assertEqual(words, {"system.good": "OK", "system.bad": "FAIL", "system.picky": "SKIP", "system.lost": "FAIL",
                                 "system.never": "FAIL"})


class Needs(unittest.TestCase):
    def test_every_case_can_be_run_and_needs_what_is_known(self):
        found = cases.all_cases()
        self.assertIn("service", [case.name for case in found])
        for case in found:
            self.assertTrue((cases.CASES / case.name).stat().st_mode & 0o111, f"{case.name} is not executable")


if __name__ == "__main__":
    unittest.main()
