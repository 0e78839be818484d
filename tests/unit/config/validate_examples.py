#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds every example app file to the JSON schema. Arguments: the schema, then the directory of examples."""
import glob
import json
import sys

try:
    import jsonschema
    import yaml
except ImportError as missing:
    print(f"skipped: {missing} (Debian: python3-jsonschema python3-yaml)")
    sys.exit(77)

schema_path, directory = sys.argv[1:]
with open(schema_path, encoding="utf-8") as file:
    schema = json.load(file)
jsonschema.Draft7Validator.check_schema(schema)
validator = jsonschema.Draft7Validator(schema)

# A schema that takes anything would pass every example.
for wrong in ({"apps": [{"script": "a", "restrat_delay": 1}]}, {"apps": [{"name": "a"}]}, {"script": "a", "nice": 99}):
    assert not validator.is_valid(wrong), f"the schema takes {wrong}"

paths = sorted(glob.glob(f"{directory}/*.yaml"))
faults = 0
for path in paths:
    with open(path, encoding="utf-8") as file:
        for fault in validator.iter_errors(yaml.safe_load(file)):
            print(f"{path}: {'/'.join(map(str, fault.absolute_path))}: {fault.message}")
            faults += 1
print(f"{len(paths)} examples, {faults} faults")
sys.exit(1 if faults or not paths else 0)
