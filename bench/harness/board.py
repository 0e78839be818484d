# SPDX-License-Identifier: Apache-2.0
"""The reading side of the event board (native/event_board.hpp): sleeps until the fixtures have said enough."""

import dataclasses
import mmap
import os
import select
import struct
import time

HEADER = 64
RECORD = struct.Struct("=QII16s")
RESERVED, COMPLETE, TARGET = 4, 8, 12


class TimedOut(Exception):
    """A fixture that was expected did not appear: the harness or the manager is broken."""


@dataclasses.dataclass(frozen=True)
class Event:
    when_ns: int
    pid: int
    kind: str
    label: str


class Board:
    def __init__(self, directory, capacity=16384):
        self.path = os.path.join(directory, "board")
        size = HEADER + capacity * RECORD.size
        with open(self.path, "w+b") as file:
            file.truncate(size)
            self._map = mmap.mmap(file.fileno(), size)
        struct.pack_into("=I", self._map, 0, capacity)
        os.chmod(self.path, 0o666)
        os.mkfifo(self.path + ".fifo", 0o666)
        self._fifo = os.open(self.path + ".fifo", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)

    def close(self):
        os.close(self._fifo)
        self._map.close()

    def _word(self, offset):
        return struct.unpack_from("=I", self._map, offset)[0]

    @property
    def count(self):
        return self._word(COMPLETE)

    def events(self, since=0):
        """The complete records from number `since` on."""
        found = []
        for index in range(since, self._word(RESERVED)):
            when_ns, pid, kind, label = RECORD.unpack_from(self._map, HEADER + index * RECORD.size)
            if when_ns:
                found.append(Event(when_ns, pid, chr(kind), label.rstrip(b"\0").decode()))
        return found

    def wait_count(self, count, timeout=120.0):
        """Sleeps, woken once, until there are `count` records."""
        deadline = time.monotonic() + timeout
        struct.pack_into("=I", self._map, TARGET, count)
        while self.count < count:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimedOut(f"{self.count} of {count} fixtures appeared within {timeout:.0f} s")
            select.select([self._fifo], [], [], left)
            self._drain()
        self._drain()

    def wait_event(self, kind, label, since, timeout=60.0):
        """The first record of `kind` and `label` from number `since` on."""
        deadline = time.monotonic() + timeout
        while True:
            seen = self.count
            for event in self.events(since):
                if event.kind == kind and event.label == label:
                    return event
            self.wait_count(seen + 1, max(0.001, deadline - time.monotonic()))

    def _drain(self):
        try:
            os.read(self._fifo, 4096)
        except BlockingIOError:
            pass

    def pids(self):
        return {event.pid for event in self.events()}
