# SPDX-License-Identifier: Apache-2.0
"""The parts of the harness that a wrong figure could come from."""

import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

from harness import aims, procs, report  # noqa: E402
from harness.board import Board, TimedOut  # noqa: E402
from harness.stats import Samples, percentile  # noqa: E402

FIXTURE = os.environ.get("BENCH_APP", "")


class Statistics(unittest.TestCase):
    def test_percentile_is_a_measured_value(self):
        self.assertEqual(percentile([5, 1, 3], 0.95), 5)
        self.assertEqual(percentile(list(range(100)), 0.95), 95)
        self.assertEqual(percentile([7], 0.95), 7)

    def test_samples_are_kept_by_manager(self):
        samples = Samples()
        samples.add("B1", "x", "pmd", 1, 3, 8)
        samples.add("B1", "x", "PM2", 30)
        self.assertEqual(samples.median("B1", "x", "pmd"), 3)
        self.assertIsNone(samples.median("B1", "y", "pmd"))
        [(_, _, summaries)] = list(samples)
        self.assertEqual(report.cell(summaries, "PM2", "pmd"), "30.0 / 30.0  x10.0")
        self.assertEqual(report.cell(summaries, "floor", "pmd"), "-")


class Aims(unittest.TestCase):
    def judged(self, samples):
        return {row["aim"]: row["met"] for row in aims.judge(samples)}

    def test_a_limit_of_its_own_and_one_of_a_peer(self):
        samples = Samples()
        samples.add("B3 start", "100, api: all exec'd [ms]", "pmd", 31)
        samples.add("B3 start", "100, api: all exec'd [ms]", "floor", 20)
        samples.add("B4 list", "100, API [ms]", "pmd", 0.9)
        judged = self.judged(samples)
        self.assertIs(judged["start 100 (API) <= 1.5 x the bare loop"], False)
        self.assertIs(judged["list of 100 by D-Bus <= 1 ms"], True)
        self.assertIsNone(judged["0 wake-ups a minute, empty"])


class Boards(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.directory)
        self.board = Board(self.directory)
        self.addCleanup(self.board.close)

    def test_a_wait_without_fixtures_times_out(self):
        with self.assertRaises(TimedOut):
            self.board.wait_count(1, timeout=0.05)

    @unittest.skipUnless(os.access(FIXTURE, os.X_OK), "BENCH_APP is not built")
    def test_fixtures_wake_the_observer_and_stamp_the_time(self):
        begin = time.monotonic_ns()
        children = [subprocess.Popen([FIXTURE, self.board.path, f"app-{index}"]) for index in range(20)]
        self.board.wait_count(20, timeout=20)
        for child in children:
            child.kill()
            child.wait()
        self.assertEqual({event.pid for event in self.board.events()}, {child.pid for child in children})
        self.assertTrue(all(begin < event.when_ns < time.monotonic_ns() for event in self.board.events()))

    @unittest.skipUnless(os.access(FIXTURE, os.X_OK), "BENCH_APP is not built")
    def test_a_slow_fixture_says_when_it_was_told_to_end(self):
        child = subprocess.Popen([FIXTURE, self.board.path, "slow", "slow"])
        self.board.wait_event("R", "slow", 0)
        threading.Thread(target=child.terminate).start()
        told = self.board.wait_event("T", "slow", 0)
        child.wait()
        self.assertEqual((told.kind, told.pid), ("T", child.pid))
        self.assertGreater(time.monotonic_ns() - told.when_ns, 49e6)


class Ends(unittest.TestCase):
    def test_daemons_that_detached_are_killed(self):
        procs.become_subreaper()
        subprocess.run(["sh", "-c", "setsid sleep 600 >/dev/null 2>&1 & setsid sleep 600 >/dev/null 2>&1 &"], check=True)
        self.assertGreaterEqual(procs.kill_descendants(), 2)
        self.assertEqual(procs.descendants(), [])

    def test_a_failed_command_tells_its_output(self):
        with tempfile.NamedTemporaryFile() as output:
            command = procs.Command(["sh", "-c", "echo why; exit 3"], dict(os.environ), output.name)
            with self.assertRaisesRegex(procs.CommandFailed, "status 3.*why"):
                command.check()


if __name__ == "__main__":
    unittest.main()
