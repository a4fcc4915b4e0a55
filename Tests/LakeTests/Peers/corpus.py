"""Compares what obs read of Parquet files with what pyarrow reads: `corpus.py LIST`, where each line of LIST is a file and obs' rows of it."""
import json
import sys

import pyarrow.parquet as pq

from canonical import compare

for line in open(sys.argv[1]):
    file, ours = line.rstrip("\n").split("\t")
    name = "/".join(file.split("/")[-2:])
    if name == "data/int96_from_spark.parquet":  # its last time is of the year 290000, which pyarrow overflows; int96_from_spark.md has the value
        expected = [1704141296123456, 1704070800000000, 253402225200000000, 1735599600000000, None, 9089380393200000000]
        found = [json.loads(row)[0] for row in open(ours)]
        print(f"{name}\t{'equal' if found == [None if v is None else f't:{v}' for v in expected] else 'differs'}\t{found}")
        continue
    try:
        table = pq.ParquetFile(file, coerce_int96_timestamp_unit="us").read()
    except BaseException as error:  # pyarrow refuses some files that obs reads.
        print(f"{name}\tnot compared\tpyarrow: {str(error).splitlines()[0]}")
        continue
    try:
        difference = compare(ours, table)
    except (OverflowError, ValueError) as error:  # a date that Python does not have
        print(f"{name}\tnot compared\t{error}")
        continue
    print(f"{name}\t{'equal' if difference is None else 'differs'}\t{difference or ''}"[:600])
