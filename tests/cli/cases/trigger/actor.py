"""Offers metrics and actions over the message channel, as @pm2/io and tx2 do for Node programs."""
import json
import os
import sys

channel = open(int(os.environ["NODE_CHANNEL_FD"]), "r+b", buffering=0)


def say(message):
    channel.write(json.dumps(message).encode() + b"\n")


def tell(kind, **data):
    say({"type": "axm:" + kind, "data": data})


first = os.environ["PM_INSTANCE"] == "0"
tell("action", action_name="stats", arity=1)
tell("action", action_name="level", action_type="custom", arity=2, opts={"comment": "how much is written"})
if first:
    for name in "silent", "leave":
        tell("action", action_name=name, arity=1)
tell("monitor", **{"open files": {"value": 7}, "requests": {"value": 12.5, "unit": "req/min", "type": "rate"}})
say("ready")
for line in channel:
    message = json.loads(line)
    name, given = (message["msg"], message["opts"]) if isinstance(message, dict) else (message, None)
    if name == "stats":
        tell("reply", action_name=name, **{"return": {"first": first}})
    if name == "level":
        tell("reply", action_name=name, **{"return": given})
    if name == "leave":
        sys.exit()
