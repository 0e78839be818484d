#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Kills pmd in the middle of commands, again and again, and looks whether the next pmd has each process exactly once.

usage: exactly_once.py [--rounds NUMBER] [--seconds NUMBER] [OPERATION]...

A round starts some apps, gives a command, kills pmd after 0 to 150 ms, and waits until the next pmd answers and all of its
apps rest. Then what runs is what pmd knows, each instance once and online; with systemd, units and slices are those of the apps, too.
With PMD_BUS=system in a booted machine; with PMD_BUS=embedded anywhere. Ends after that many rounds or seconds, whichever comes first.
Prints what was wrong, and one line an operation; exit status 1 when anything was.
"""

import argparse
import collections
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time

SYSTEMD = os.environ.get("PMD_BUS", "system") == "system"
# For what has no event to wait for: how long until it must have come true. Generous, as nothing waits for it when all is well.
PATIENCE = 30
MARK = "EXACTLY_ONCE=" + str(os.getpid())
APPS = """apps:
- {name: several, script: /bin/sleep, interpreter: none, args: ["9201"], instances: 3, env: &mark {EXACTLY_ONCE: "%(mark)s"}}
- {name: single, script: /bin/sleep, interpreter: none, args: ["9202"], env: *mark}
- {name: filer, script: /bin/sleep, interpreter: none, args: ["9203"], logs: {to: files}, env: *mark}
- {name: holder, script: /bin/sleep, interpreter: none, args: ["9204"], listen: "127.0.0.1:%(port)d", env: *mark}
- {name: forker, script: "sleep 9205 & wait", env: *mark}
- {name: job, script: /bin/sleep, interpreter: none, args: ["9206"], autorestart: false, env: *mark}
"""
INSTANCES = {"several": 3, "single": 1, "filer": 1, "holder": 1, "forker": 1, "job": 1}
PROCESSES = {"forker": 2}  # of one instance
UPGRADE = ["systemctl", "restart", "pmd"] if SYSTEMD else ["pmctl", "daemon", "upgrade"]
# What is done, whether the apps run before, and how many instances of "several" there may be afterwards.
OPERATIONS = {
    "start": (["pmctl", "start", "apps.yaml"], False, {0, 3}),
    "restart": (["pmctl", "restart", "all"], True, {3}),
    "reload": (["pmctl", "reload", "all"], True, {3}),
    "up": (["pmctl", "scale", "several", "5"], True, {3, 5}),
    "down": (["pmctl", "scale", "several", "1"], True, {1, 2, 3}),
    "delete": (["pmctl", "delete", "all"], True, {0, 1, 2, 3}),
    "save": (["pmctl", "save"], True, {3}),
    "upgrade": (UPGRADE, True, {3}),
}


def run(*command):
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)


def eventually(what, condition):
    """Asks until it is so; returns the last answer, which says why not when it never was."""
    until = time.monotonic() + PATIENCE
    while (why := condition()) and time.monotonic() < until:
        time.sleep(0.02)
    return f"{what}: {why}" if why else ""


DAEMONS = []  # those that nobody else starts and reaps


def daemon_pid():
    """Of the pmd that answers now; None when none does. Without systemd it is started then."""
    words = run("pmctl", "ping").stdout.split()
    if "pid" in words:
        return int(words[words.index("pid") + 1].rstrip(","))
    if not SYSTEMD and all(daemon.poll() is not None for daemon in DAEMONS):
        DAEMONS[:] = [subprocess.Popen(["pmd", "--bus", "embedded"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                       stderr=open("pmd.log", "ab"), start_new_session=True)]
    return None


def processes():
    """The living processes of apps, by pid: their command lines. A pm-exec has not got the mark yet."""
    found = {}
    for directory in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            command = (directory / "cmdline").read_bytes().split(b"\0")
            if command[0].endswith(b"/pm-exec") or MARK.encode() in (directory / "environ").read_bytes().split(b"\0"):
                found[int(directory.name)] = b" ".join(command).decode(errors="replace").strip()
        except (OSError, ValueError):
            continue  # it ended, or is another user's
    return {pid: command for pid, command in found.items() if command}


def listed():
    answer = run("pmctl", "list", "--json")
    try:
        return [row for row in json.loads(answer.stdout) if row["name"] in INSTANCES]
    except ValueError:
        return None


def units(pattern):
    rows = run("systemctl", "list-units", "--all", "--plain", "--no-legend", "--no-pager", pattern).stdout.splitlines()
    return collections.Counter(row.split()[0].rsplit("-", 1)[0] if row.split()[0].endswith(".service") else row.split()[0] for row in rows)


def units_differ(rows):
    """With the number of the generation cut off, which is pmd's business."""
    wanted = collections.Counter(f"pm-{row['name']}" for row in rows if row["pid"])
    if (there := units("pm-*.service")) != wanted:
        return f"units {dict(there)}, not {dict(wanted)}"
    apps = {f"pm-{row['name']}.slice" for row in rows}
    if strange := set(units("pm-*.slice")) - apps:
        return f"slices {strange} of no app"
    return ""


def wrong(several):
    """What is not as it should be, in words; nothing when all is well."""
    rows = listed()
    if rows is None:
        return "pmd does not answer"
    if moving := [f"{row['name']} {row['status']}" for row in rows if row["status"] != "online"]:
        return "not online: " + ", ".join(moving)
    counts = collections.Counter(row["name"] for row in rows)
    for name, count in counts.items():
        if count not in (several if name == "several" else {INSTANCES[name]}):
            return f"{count} instances of {name}"
    there, known = processes(), {row["pid"] for row in rows}
    many = sum(PROCESSES.get(row["name"], 1) for row in rows)
    if not known <= set(there) or len(there) != many:
        return f"{len(there)} processes, not {many}: {sorted(there.items())}, pmd knows {sorted(known)}"
    return units_differ(rows) if SYSTEMD else ""


def begin(apps_run):
    """From nothing to all apps, or to none."""
    if why := eventually("before", lambda: "" if daemon_pid() else "pmd does not answer"):
        return why
    if SYSTEMD:
        run("systemctl", "reset-failed", "pmd")  # it is killed more often than a unit may fail
    run("pmctl", "delete", "all")
    if not apps_run:
        return eventually("before", lambda: wrong({0}) or (listed() and "apps are left"))
    started = run("pmctl", "start", "apps.yaml")
    return eventually("before", lambda: wrong({3}) or (len(listed() or []) != sum(INSTANCES.values()) and started.stderr))


def one_round(name, delay):
    command, apps_run, several = OPERATIONS[name]
    if why := begin(apps_run):
        return why
    pid = daemon_pid()
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as given:
        time.sleep(delay / 1000)  # when in the command pmd is killed: this is what a round is about
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass  # a restart had come as far as that
        why = eventually("no next pmd", lambda: "" if daemon_pid() not in (None, pid) else "it does not answer")
        given.wait()
    return why or eventually("after", lambda: wrong(several))


def clean_up():
    """After a round that went wrong: what it left would spoil the next."""
    run("pmctl", "delete", "all")
    if SYSTEMD:
        run("systemctl", "stop", "pm.slice")
    for pid in processes():
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--rounds", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=float("inf"))
    parser.add_argument("operations", nargs="*", metavar="OPERATION", default=[])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pmd-once-") as directory:
        os.chdir(directory)
        if not SYSTEMD:
            os.environ.update(PMD_RUNTIME_DIR=directory + "/run", PMD_STATE_DIR=directory + "/state")
            os.mkdir("run", 0o700)
        return kill_again_and_again(options)


def kill_again_and_again(options):
    names = options.operations or list(OPERATIONS)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    pathlib.Path("apps.yaml").write_text(APPS % {"mark": os.getpid(), "port": port}, encoding="utf-8")
    until = time.monotonic() + options.seconds
    rounds, bad = collections.Counter(), collections.Counter()
    for number in range(options.rounds):
        if time.monotonic() > until:
            break
        name, delay = names[number % len(names)], number // len(names) * 37 % 151
        rounds[name] += 1
        if why := one_round(name, delay):
            bad[name] += 1
            print(f"{name}, killed after {delay} ms: {why}", flush=True)
            clean_up()
        if (number + 1) % 100 == 0:
            print(f"{number + 1} rounds, {bad.total()} wrong", flush=True)
    run("pmctl", "delete", "all")
    if not SYSTEMD:
        run("pmctl", "kill")
    for name in names:
        print(f"{name}: {bad[name]} of {rounds[name]} wrong", flush=True)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
