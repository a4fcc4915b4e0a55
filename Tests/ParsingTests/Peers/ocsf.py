#!/usr/bin/env python3
"""Reads JSON Lines of OCSF events and says of each what the schema of its class does not allow; nothing when all is well.

    obs lake export silver.ssh --as ocsf | Tests/ParsingTests/Peers/ocsf.py [--version 1.8.0]

Needs ocsf-json-schema and jsonschema (PyPI).
"""
import argparse, json, sys

from jsonschema import Draft202012Validator
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

options = argparse.ArgumentParser()
options.add_argument("--version", default="1.8.0")
version = options.parse_args().version
schemas = OcsfJsonSchemaEmbedded(get_ocsf_schema(version=version))
validators = {}
for line in sys.stdin:
    event = json.loads(line)
    uid = event["class_uid"]
    if uid not in validators:
        name = schemas.lookup_class_name_from_uid(uid)
        validators[uid] = Draft202012Validator(schemas.get_class_schema(class_name=name, profiles=[]))
    for error in validators[uid].iter_errors(event):
        print(f"{event['message']}: {'/'.join(map(str, error.path))}: {error.message[:200]}")
