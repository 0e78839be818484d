#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""usage: traffic.py FILE PORT...

Two clients a port, one connection a request, without any second try. FILE counts: how many were answered, and lost.
"""
import os
import socket
import sys
import threading

EVERY = 20  # answers
FILE, PORTS = sys.argv[1], [int(port) for port in sys.argv[2:]]
answered, lost, lock = 0, [], threading.Lock()


def ask(port):
    with socket.create_connection(("127.0.0.1", port), timeout=30) as server:
        server.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        text = b"".join(iter(lambda: server.recv(4096), b""))
    if b" 200 OK" not in text.split(b"\r\n")[0]:
        raise OSError(f"port {port} said {text!r}")


def write():
    with open(FILE + ".new", "w", encoding="utf-8") as file:
        print(answered, len(lost), *lost[:5], file=file)
    os.rename(FILE + ".new", FILE)


def client(port):
    global answered
    while True:
        try:
            ask(port)
            with lock:
                answered += 1
                if answered % EVERY == 0:
                    write()
        except OSError as why:
            with lock:
                lost.append(f"{port}: {why}")
                write()


clients = [threading.Thread(target=client, args=(port,), daemon=True) for port in PORTS * 2]
for each in clients:
    each.start()
for each in clients:
    each.join()
