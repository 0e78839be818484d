# SPDX-License-Identifier: Apache-2.0
"""The parts of the harness that a wrong figure could come from."""

import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

from harness import aims, load, procs, report  # noqa: E402
from harness.board import Board, TimedOut  # noqa: E402
from harness.stats import Samples, percentile  # noqa: E402

FIXTURE = os.environ.get("BENCH_APP", "")
HTTP_LOAD = os.environ.get("HTTP_LOAD", "")
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhey"
LAST_ANSWER = ANSWER.replace(b"\r\n\r\n", b"\r\nconnection: Close\r\n\r\n")


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

    def test_one_loss_is_not_outvoted(self):
        samples = Samples()
        samples.add("B7 lost", "reloads", "pmd shared", 0, 0, 1)
        samples.add("B7 lost", "reloads", "pmd held", 0, 0, 0)
        judged = self.judged(samples)
        self.assertIs(judged["0 lost, ever, by reloads: pmd shared"], False)
        self.assertIs(judged["0 lost, ever, by reloads: pmd held"], True)
        self.assertIsNone(judged["0 lost, ever, by reloads: pmd round-robin"])

    def test_a_limit_that_is_to_be_reached(self):
        for rate, met in ((2499, False), (2500, True)):
            samples = Samples()
            samples.add("B7 steady", "2 workers, short: answers a second", "pmd shared", rate)
            samples.add("B7 steady", "2 workers, short: answers a second", "PM2", 1000)
            self.assertIs(self.judged(samples)["Connection: close, 2 workers >= 2.5 x PM2's answers a second"], met)


class Traffic(unittest.TestCase):
    def seen(self, answered=0, p99_us=0.0, gap_us=0.0, **lost):
        return {"answered": answered, "p99_us": p99_us, "gap_us": gap_us, "lost": {**dict.fromkeys(load.LOSSES, 0), **lost}}

    def test_figures_of_clients_that_took_part(self):
        report = {"seconds": 2.0, "short": self.seen(10, 1500.0, 2000.0, reset=1, timeout=2), "kept": self.seen()}
        found = dict(load.figures(report))
        self.assertEqual(found["short: lost"], 3)
        self.assertEqual((found["short: lost: reset"], found["short: lost: timeout"], found["short: lost: cut"]), (1, 2, 0))
        self.assertEqual((found["short: p99 [ms]"], found["short: longest without an answer [ms]"]), (1.5, 2.0))
        self.assertFalse([what for what in found if what.startswith("kept")])
        self.assertEqual((load.lost(report), load.rate(report)), (3, 5))

    def test_clients_that_lost_all_took_part(self):
        report = {"seconds": 1.0, "short": self.seen(), "kept": self.seen(refused=4)}
        self.assertEqual(dict(load.figures(report))["kept: lost"], 4)

    def test_a_loss_is_told_with_what_had_been_done(self):
        losses = [{"clients": "short", "kind": "reset", "sent_ns": sent, "lost_ns": sent + 5_000_000, "number": 0}
                  for sent in (1_000_000, 9_000_000, 28_000_000)]
        told = list(load.told({"losses": losses}, [(10_000_000, "reload 1"), (20_000_000, "its end")]))
        self.assertEqual([(loss["sent"], loss["lost"]) for loss in told],
                         [("before", "before"), ("before", "4.0 ms after reload 1"), ("8.0 ms after its end", "13.0 ms after its end")])

    def test_the_table_has_the_kinds_that_occurred(self):
        rows = [("x: lost", {"pmd": {"max": 0}}), ("x: lost: cut", {"pmd": {"max": 0}, "PM2": {"max": 1}}), ("x: lost: reset", {"pmd": {"max": 0}})]
        self.assertEqual([metric for metric, _ in report.kinds_that_were(rows)], ["x: lost", "x: lost: cut"])


class Server(threading.Thread):
    """A server of one connection at a time that does with each what `behave(connection, number)` says."""

    def __init__(self, behave):
        super().__init__(daemon=True)
        self._behave, self._socket = behave, socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.start()

    def run(self):
        for number in range(1000000):
            try:
                connection = self._socket.accept()[0]
            except OSError:
                return
            with connection:
                self._behave(connection, number)

    def close(self):
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


@unittest.skipUnless(os.access(HTTP_LOAD, os.X_OK), "http-load is not built")
class Losses(unittest.TestCase):
    class Tools:
        @staticmethod
        def native(_name):
            return HTTP_LOAD

    def report(self, behave, short, kept, seconds=0.1):
        server = Server(behave)
        with load.Load(self.Tools, server.port, short, kept, timeout_ms=150) as clients:
            time.sleep(seconds)
        server.close()
        return clients.report

    def kinds(self, behave, short=1, kept=0):
        report = self.report(behave, short, kept)
        return {kind for name in load.CLIENTS for kind, count in report[name]["lost"].items() if count}

    @staticmethod
    def answer(text):
        def behave(connection, _number):
            connection.recv(4096)
            connection.sendall(text)
        return behave

    @staticmethod
    def reset(text):
        def behave(connection, _number):
            connection.recv(4096)
            connection.sendall(text)
            time.sleep(0.01)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return behave

    def test_each_kind(self):
        for kind, behave in {
            "closed": self.answer(b""),
            "reset": self.reset(b""),
            "cut": self.answer(ANSWER[:-1]),
            "wrong": self.answer(ANSWER.replace(b"200 OK", b"503 No")),
            "timeout": lambda connection, _number: (connection.recv(4096), connection.recv(4096)),
        }.items():
            with self.subTest(kind):
                self.assertEqual(self.kinds(behave), {kind})
                self.assertEqual(self.kinds(behave, 0, 1), {kind})

    def test_more_kinds_of_these_kinds(self):
        for text, kind in ((ANSWER + b"!", "wrong"), (ANSWER.replace(b"hey", b"hay"), "wrong"), (ANSWER.replace(b"th: 3", b"th: 4"), "wrong"),
                           (ANSWER[:10], "cut")):
            self.assertEqual(self.kinds(self.answer(text)), {kind}, text)
        self.assertEqual(self.kinds(self.reset(ANSWER[:-1])), {"cut"})

    def test_nobody_there(self):
        server = Server(self.answer(b""))
        server.close()
        with load.Load(self.Tools, server.port, 1, 1) as clients:
            time.sleep(0.2)
        for name in load.CLIENTS:
            self.assertEqual(clients.report[name]["lost"]["refused"], load.lost(clients.report, [name]))
            self.assertTrue(1 <= load.lost(clients.report, [name]) <= clients.report["seconds"] * 100 + 1)  # with pauses of 10 ms
            self.assertGreater(clients.report[name]["gap_us"], 150e3)

    def test_short_connections_lose_nothing(self):
        report = self.report(self.answer(ANSWER), 3, 0)
        self.assertEqual(load.lost(report), 0)
        self.assertGreater(report["short"]["answered"], 3)
        self.assertTrue(0 < report["short"]["p50_us"] <= report["short"]["p99_us"] <= report["short"]["max_us"])

    def test_a_kept_connection_is_kept(self):
        numbers = set()

        def behave(connection, number):
            numbers.add(number)
            while connection.recv(4096):
                connection.sendall(ANSWER)
        report = self.report(behave, 0, 1)
        self.assertEqual((load.lost(report), report["kept"]["reopened"], numbers), (0, 0, {0}))
        self.assertGreater(report["kept"]["answered"], 10)

    def test_the_end_of_a_kept_connection_between_requests_is_no_loss(self):
        def answer_and_close(connection, _number):
            connection.recv(4096)
            connection.send(ANSWER, socket.MSG_MORE)  # the end comes in the same packet
        for behave in (self.answer(LAST_ANSWER), answer_and_close):
            report = self.report(behave, 0, 1)
            self.assertEqual(load.lost(report), 0)
            self.assertGreater(report["kept"]["reopened"], 3)

    def test_the_end_of_a_kept_connection_after_a_request_is_a_loss(self):
        def behave(connection, _number):
            connection.recv(4096)
            connection.sendall(ANSWER)
            connection.recv(4096)
        report = self.report(behave, 0, 1)
        self.assertEqual(report["kept"]["lost"]["closed"], load.lost(report))
        self.assertGreater(load.lost(report), 1)
        self.assertEqual({loss["number"] for loss in report["losses"]}, {1})


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
