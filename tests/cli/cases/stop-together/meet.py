# SPDX-License-Identifier: Apache-2.0
"""Ends when the other one is told to end as well: opening one end of a FIFO waits for the other end."""
import signal
import sys

signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
print("ready", flush=True)
signal.sigwait([signal.SIGTERM])
with open("meet", sys.argv[1], encoding="ascii"):
    pass
