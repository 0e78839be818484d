# SPDX-License-Identifier: Apache-2.0
import signal

for wanted in (signal.SIGUSR1, signal.SIGUSR2, signal.SIGHUP):
    signal.signal(wanted, lambda number, _: print("got", signal.Signals(number).name, flush=True))
print("ready", flush=True)
while True:
    signal.pause()
