# SPDX-License-Identifier: Apache-2.0
"""Sends a message again and again, as process.send() of Node does."""
import json
import os
import time

channel = open(int(os.environ["NODE_CHANNEL_FD"]), "r+b", buffering=0)


def say(message):
    channel.write(json.dumps(message).encode() + b"\n")


say("ready")
while True:
    say({"type": "axm:monitor", "data": {"ticks": {"value": 1}}})
    say({"tick of": os.environ["PM_NAME"], "slot": int(os.environ["PM_INSTANCE"]), "text": "\x1b[31m"})
    time.sleep(0.005)
