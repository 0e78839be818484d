# SPDX-License-Identifier: Apache-2.0
"""What pmd wants to reach, and whether it does."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Aim:
    text: str
    bench: str
    metric: str
    limit: float
    peer: str = ""         # the limit is a share of this peer's figure of peer_metric
    peer_metric: str = ""
    subject: str = ""      # whose figure it is, where it is not the benchmark's subject
    least: bool = False    # the limit is to be reached, not to be kept
    always: bool = False   # the worst figure counts, not the median


EXEC = "all exec'd [ms]"
WAYS = ("pmd held", "pmd shared", "pmd round-robin")
AIMS = (
    Aim("boot to bus name <= 1/20 of PM2's (pm2 ping)", "B1 boot", "exec -> bus name owned [ms]", 1 / 20, "PM2",
        "nothing runs -> ping answered, by command [ms]"),
    Aim("boot to bus name <= 1/20 of PM2's (daemon alone)", "B1 boot", "exec -> bus name owned [ms]", 1 / 20, "PM2",
        "exec -> API answers [ms]"),
    Aim("PSS of the empty daemon <= 5 MB", "B2 memory", "0 apps, daemon PSS [MB]", 5),
    Aim("PSS at 100 apps <= 8 MB", "B2 memory", "100 apps, daemon PSS [MB]", 8),
    Aim("start 100 (API) <= 1.5 x the bare loop", "B3 start", f"100, api: {EXEC}", 1.5, "floor", f"100, api: {EXEC}"),
    Aim("start 100 (pmctl) <= 1.5 x the bare loop", "B3 start", f"100, cli: {EXEC}", 1.5, "floor", f"100, cli: {EXEC}"),
    Aim("list of 100 by D-Bus <= 1 ms", "B4 list", "100, API [ms]", 1),
    Aim("list of 100 by pmctl <= 10 ms", "B4 list", "100, command, text [ms]", 10),
    Aim("SIGKILL to replacement exec'd <= 1 ms", "B6 crash", "1: SIGKILL -> replacement exec'd [ms]", 1),
    Aim("the same during another app's 5 s stop", "B6 crash", "1 during a 5 s stop: SIGKILL -> replacement exec'd [ms]", 1),
    Aim("restart of an app that ends at once <= 5 ms", "B5 restart", "app that ends at once, API: replacement exec'd [ms]", 5),
    Aim("0 wake-ups a minute, empty", "Idle", "0 apps, daemon: wake-ups a minute", 0),
    Aim("0 wake-ups a minute, 100 apps", "Idle", "100 apps, daemon: wake-ups a minute", 0),
    *(Aim(f"0 lost, ever, by {cause}: {way}", "B7 lost", metric, 0, subject=way, always=True)
      for cause, metric in (("reloads", "reloads"), ("an upgrade of pmd", "restart of the manager")) for way in WAYS),
    *(Aim(f"Connection: close, {workers} workers >= 2.5 x PM2's answers a second", "B7 steady", f"{workers} workers, short: answers a second",
          2.5, "PM2", f"{workers} workers, short: answers a second", subject="pmd shared", least=True) for workers in (2, 4)),
)

# With the systemd launcher, beside the bare loop of StartTransientUnit.
UNIT_AIMS = (
    Aim("start 100 (API) <= 1.3 x the bare loop of StartTransientUnit", "B3 start", f"100, api: {EXEC}", 1.3, "unit-floor", f"100, api: {EXEC}"),
    Aim("SIGKILL to replacement exec'd <= 1.5 x the bare one", "B6 crash", "1: SIGKILL -> replacement exec'd [ms]", 1.5, "unit-floor",
        "1: SIGKILL -> replacement exec'd [ms]"),
    Aim("restart of an app that ends at once <= 28 ms", "B5 restart", "app that ends at once, API: replacement exec'd [ms]", 28),
    Aim("0 wake-ups a minute, 100 apps", "Idle", "100 apps, daemon: wake-ups a minute", 0),
)


def judge(samples, subject="pmd", aims=AIMS):
    """Rows {aim, measured, limit, met}; met is None where something was not measured."""
    rows = []
    for aim in aims:
        figure = samples.worst if aim.always else samples.median
        measured, limit = figure(aim.bench, aim.metric, aim.subject or subject), aim.limit
        if aim.peer:
            base = samples.median(aim.bench, aim.peer_metric, aim.peer)
            limit = None if base is None else aim.limit * base
        met = None if measured is None or limit is None else measured >= limit if aim.least else measured <= limit
        rows.append({"aim": aim.text, "measured": measured, "limit": limit, "met": met})
    return rows
