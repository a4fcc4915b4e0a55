"""Rows of an Arrow table as the tests compare them: a list of tagged texts a row, exact for every type.

Integers are `i:5`, floats their bits `f:…` and doubles `d:…`, times microseconds `t:…`, dates days `D:…`, texts `s:…`, bytes `b:…` in hexadecimal.
"""
import datetime
import decimal
import json
import struct
import sys
import uuid

import pyarrow as pa

EPOCH = datetime.date(1970, 1, 1)


def flat(array):
    """The canonical values of one column."""
    type = array.type
    if pa.types.is_dictionary(type):
        array = array.cast(type.value_type)
        type = array.type
    if pa.types.is_timestamp(type):
        unit = {"s": 1_000_000, "ms": 1000, "us": 1, "ns": None}[type.unit]
        ints = array.cast(pa.int64()).to_pylist()
        return [None if v is None else f"t:{v // 1000 if unit is None else v * unit}" for v in ints]
    if pa.types.is_time(type):
        return [None if v is None else "s:" + time_text(v, type.unit) for v in array.cast(pa.int64() if type.bit_width == 64 else pa.int32()).to_pylist()]
    if pa.types.is_date(type):
        return [None if v is None else f"D:{(v - EPOCH).days}" for v in array.to_pylist()]
    if pa.types.is_boolean(type):
        return [None if v is None else "B:" + str(v).lower() for v in array.to_pylist()]
    if pa.types.is_integer(type):
        return [None if v is None else f"i:{v}" for v in array.to_pylist()]
    if pa.types.is_float32(type) or pa.types.is_float16(type):
        return [None if v is None else "f:nan" if v != v else "f:%d" % struct.unpack("<I", struct.pack("<f", float(v))) for v in array.to_pylist()]
    if pa.types.is_float64(type):
        return [None if v is None else "d:nan" if v != v else "d:%d" % struct.unpack("<Q", struct.pack("<d", v)) for v in array.to_pylist()]
    if pa.types.is_decimal(type):
        return [None if v is None else f"s:{v:f}" for v in array.to_pylist()]
    if pa.types.is_string(type) or pa.types.is_large_string(type) or pa.types.is_string_view(type):
        return [None if v is None else "s:" + v for v in array.to_pylist()]
    if str(type) == "extension<arrow.uuid>":
        return [None if v is None else f"s:{v}" for v in array.to_pylist()]
    if pa.types.is_binary(type) or pa.types.is_large_binary(type) or pa.types.is_fixed_size_binary(type) or pa.types.is_binary_view(type):
        return [None if v is None else "b:" + v.hex() for v in array.to_pylist()]
    if pa.types.is_null(type):
        return [None] * len(array)
    if isinstance(type, pa.BaseExtensionType):
        return flat(pa.chunked_array([c.storage for c in array.chunks], type.storage_type) if isinstance(array, pa.ChunkedArray) else array.storage)
    return [None if v is None else ("j", nested(v, type)) for v in array.to_pylist()]


def time_text(value, unit):
    per_second = {"s": 1, "ms": 1000, "us": 1_000_000, "ns": 1_000_000_000}[unit]
    seconds, fraction = divmod(value, per_second)
    text = "%02d:%02d:%02d" % (seconds // 3600, seconds // 60 % 60, seconds % 60)
    if fraction:
        digits = "%09d" % (fraction * (1_000_000_000 // per_second))
        while digits.endswith("000"):
            digits = digits[:-3]
        text += "." + digits
    return text


def nested(value, type):
    """A nested value as the JSON text of obs would parse."""
    if value is None:
        return None
    if isinstance(type, pa.BaseExtensionType):
        return nested(value, type.storage_type)
    if pa.types.is_list(type) or pa.types.is_large_list(type) or pa.types.is_fixed_size_list(type):
        return [nested(v, type.value_type) for v in value]
    if pa.types.is_struct(type):
        return {type.field(i).name: nested(value[type.field(i).name], type.field(i).type) for i in range(type.num_fields)}
    if pa.types.is_map(type):
        pairs = [(nested(k, type.key_type), nested(v, type.item_type)) for k, v in value]
        if all(isinstance(k, str) for k, _ in pairs):
            return {k: v for k, v in pairs}
        return [{"key": k, "value": v} for k, v in pairs]
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, decimal.Decimal):
        return f"{value:f}"
    if isinstance(value, datetime.datetime):
        if value.tzinfo is None:
            value = value.replace(tzinfo=datetime.timezone.utc)
        micros = (value - datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)) // datetime.timedelta(microseconds=1)
        return "t:%d" % micros
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, datetime.time):
        return time_text(((value.hour * 60 + value.minute) * 60 + value.second) * 1_000_000 + value.microsecond, "us")
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return None
    return value


def rows(table):
    columns = [flat(table.column(i)) for i in range(table.num_columns)]
    return [list(row) for row in zip(*columns)] if columns else [[] for _ in range(table.num_rows)]


def same(ours, theirs):
    """Whether a value of obs (from JSON) is the canonical one of the peer."""
    if isinstance(theirs, tuple):
        return isinstance(ours, str) and ours[:2] == "s:" and same_json(json.loads(ours[2:]), theirs[1])
    return ours == theirs


def same_json(ours, theirs):
    if isinstance(theirs, dict):
        return isinstance(ours, dict) and ours.keys() == theirs.keys() and all(same_json(ours[k], theirs[k]) for k in theirs)
    if isinstance(theirs, list):
        return isinstance(ours, list) and len(ours) == len(theirs) and all(map(same_json, ours, theirs))
    if isinstance(theirs, str) and theirs.startswith("t:") and isinstance(ours, str):
        at = datetime.datetime.fromisoformat(ours.replace("Z", "+00:00"))
        return (at - datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)) // datetime.timedelta(microseconds=1) == int(theirs[2:])
    if isinstance(theirs, float) and isinstance(ours, (int, float)):
        return ours == theirs or abs(ours - theirs) <= 1e-6 * abs(theirs)
    return ours == theirs


def compare(ours_path, table, is_sorted=True):
    """Nothing when all rows are equal, else the first difference as a text."""
    ours = [json.loads(line) for line in open(ours_path, encoding="utf-8")]
    theirs = rows(table)
    if len(ours) != len(theirs):
        return f"{len(ours)} rows of obs, {len(theirs)} of the peer"
    if not is_sorted:
        ours.sort(key=json.dumps)
        theirs.sort(key=json.dumps)
    for number, (a, b) in enumerate(zip(ours, theirs)):
        if len(a) != len(b) or not all(map(same, a, b)):
            return f"row {number}: obs {a}, the peer {b}"
    return None
