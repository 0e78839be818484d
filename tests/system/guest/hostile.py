#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A caller of pmd's bus that keeps to no rule: hostile.py KIND SECONDS [CONNECTIONS].

Speaks the D-Bus protocol itself, as every library reads what it is sent. Says at the end how many calls it wrote.
"""
import os
import selectors
import socket
import struct
import sys
import time

METHOD_CALL = 1
NO_REPLY_EXPECTED = 1


def padded(data: bytes, to: int) -> bytes:
    return data + b"\0" * (-len(data) % to)


def string(text: str) -> bytes:
    raw = text.encode()
    return struct.pack("<I", len(raw)) + raw + b"\0"


def message(serial: int, destination: str, path: str, interface: str, member: str, signature: str = "", body: bytes = b"", flags: int = 0) -> bytes:
    """D-Bus Specification, "Message Format"."""
    fields = b""
    for code, kind, value in ((1, "o", path), (2, "s", interface), (3, "s", member), (6, "s", destination), (8, "g", signature)):
        if not value:
            continue
        fields = padded(fields, 8) + bytes([code, 1]) + kind.encode() + b"\0"
        fields += bytes([len(value)]) + value.encode() + b"\0" if kind == "g" else string(value)
    return padded(struct.pack("<BBBBIII", ord("l"), METHOD_CALL, flags, 1, len(body), serial, len(fields)) + fields, 8) + body


def connect() -> socket.socket:
    bus = socket.socket(socket.AF_UNIX)
    bus.connect("/run/dbus/system_bus_socket")
    bus.sendall(b"\0AUTH EXTERNAL " + str(os.getuid()).encode().hex().encode() + b"\r\n")
    assert bus.recv(4096).startswith(b"OK")
    bus.sendall(b"BEGIN\r\n" + message(1, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "Hello"))
    bus.recv(4096)
    return bus


def call(member: str, signature: str = "", body: bytes = b"", flags: int = 0, interface: str = "org.pmd1.Manager") -> bytes:
    return message(2, "org.pmd1", "/org/pmd1", interface, member, signature, body, flags)


NO_OPTIONS = padded(struct.pack("<I", 0), 8)


def usage_filter() -> bytes:
    entry = padded(string("usage"), 1) + b"\x01b\0"
    entry = padded(entry, 4) + struct.pack("<I", 1)
    return struct.pack("<I", len(entry)) + b"\0" * 4 + entry


def text_call(member: str, text: str) -> bytes:
    body = padded(string(text), 4) + string("/tmp/app.yaml")
    return call(member, "ssa{sv}", padded(body, 4) + NO_OPTIONS)


def yaml(size: int) -> str:
    return "apps:\n" + "".join(f"  - {{name: a{i}, script: sleep 1, cwd: /}}\n" for i in range(size // 42))


KINDS = {  # what is written, and whether anything is read
    "lists": (lambda: call("ListApps", "a{sv}", NO_OPTIONS), True),
    "usage": (lambda: call("ListApps", "a{sv}", usage_filter()), True),
    "unread": (lambda: call("ListApps", "a{sv}", NO_OPTIONS), False),
    "objects": (lambda: call("GetManagedObjects", interface="org.freedesktop.DBus.ObjectManager"), True),
    "introspect": (lambda: call("Introspect", interface="org.freedesktop.DBus.Introspectable"), True),
    "texts": (lambda: text_call("Validate", yaml(250_000)), True),
    "silent": (lambda: call("ListApps", "a{sv}", NO_OPTIONS, NO_REPLY_EXPECTED), True),
    "pings": (lambda: call("Ping", interface="org.freedesktop.DBus.Peer"), True),
    "nonsense": (lambda: call("ListApps", "s", string("x" * 200)), True),
}


def main() -> None:
    kind, seconds = sys.argv[1], float(sys.argv[2])
    make, reads = KINDS[kind]
    selector = selectors.DefaultSelector()
    for _ in range(int(sys.argv[3]) if len(sys.argv) > 3 else 8):
        bus = connect()
        bus.setblocking(False)
        # Few at once, so that each write is a whole number of calls and the bus never has a reason to end the connection.
        selector.register(bus, selectors.EVENT_READ | selectors.EVENT_WRITE if reads else selectors.EVENT_WRITE, bytearray())
    one = make()
    written = 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for key, events in selector.select(0.1):
            try:
                if events & selectors.EVENT_READ and not key.fileobj.recv(1 << 20):
                    raise ConnectionError
                if events & selectors.EVENT_WRITE:
                    if not key.data:
                        key.data.extend(one)
                        written += 1
                    del key.data[: key.fileobj.send(key.data)]
            except BlockingIOError:
                pass
            except (ConnectionError, BrokenPipeError):
                selector.unregister(key.fileobj)
                key.fileobj.close()
                again = connect()
                again.setblocking(False)
                selector.register(again, selectors.EVENT_READ | selectors.EVENT_WRITE if reads else selectors.EVENT_WRITE, bytearray())
    print(f"{kind}: {written} calls")


main()
