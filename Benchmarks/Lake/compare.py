"""Writes and scans silver rows with obs and with pyarrow, each in its own process on one core: `compare.py BENCH LAKE` with the table silver.ssh in LAKE."""
import glob
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile

PEER = """
import json, sys, time, os, resource
import pyarrow as pa, pyarrow.parquet as pq, pyarrow.compute as pc
pa.set_cpu_count(1); pa.set_io_thread_count(1)
what, source, rest = sys.argv[1], sys.argv[2], sys.argv[3:]
if what == 'write':
    table = pq.read_table(source, use_threads=False)
    start = time.perf_counter()
    pq.write_table(table, rest[0], compression='zstd')
    with open(rest[0]) as file: os.fsync(file.fileno())
    took = time.perf_counter() - start
    rows, size = len(table), os.path.getsize(rest[0])
else:
    low, high = (pa.scalar(int(t), pa.timestamp('us', tz='UTC')) for t in rest[1:])
    start = time.perf_counter()
    table = pq.read_table(source, columns=['event_time', rest[0]], use_threads=False, filters=(pc.field('event_time') >= low) & (pc.field('event_time') <= high))
    size = pc.sum(pc.binary_length(table[rest[0]])).as_py() or 0
    took = time.perf_counter() - start
    rows = len(table)
print(json.dumps(dict(seconds=took, rows=rows, bytes=size, peak_kb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)))
"""


def run(*command):
    return json.loads(subprocess.run(["taskset", "-c", "1", *command], check=True, capture_output=True, text=True).stdout)


def median(results):
    return {key: statistics.median(r[key] for r in results) for key in results[0]}


bench, lake = sys.argv[1:3]
files = glob.glob(lake + "/silver/ssh/*.parquet")
assert len(files) == 1, "optimize and vacuum the table first: pyarrow is to read the same one file"
import pyarrow.parquet as pq

times = pq.read_table(files[0], columns=["event_time"])["event_time"].cast("int64").to_pylist()
low, high = sorted(times)[len(times) * 45 // 100], sorted(times)[len(times) * 55 // 100]
folder = tempfile.mkdtemp()
ours, theirs = {"write": [], "scan": []}, {"write": [], "scan": []}
for turn in range(6):
    shutil.rmtree(folder + "/copy", ignore_errors=True)
    results = (run(bench, "write", lake, "silver.ssh", folder + "/copy"), run(sys.executable, "-c", PEER, "write", files[0], folder + "/peer.parquet"),
               run(bench, "scan", lake, "silver.ssh", "source", str(low), str(high)), run(sys.executable, "-c", PEER, "scan", files[0], "source", str(low), str(high)))
    assert results[2]["rows"] == results[3]["rows"] and results[2]["bytes"] == results[3]["bytes"], results
    if turn:  # the first warms up
        for store, result in zip((ours["write"], theirs["write"], ours["scan"], theirs["scan"]), results):
            store.append(result)
for what in ("write", "scan"):
    a, b = median(ours[what]), median(theirs[what])
    print(f"{what:6} obs {a['seconds']:.3f} s {a['peak_kb'] / 1024:.0f} MB, pyarrow {b['seconds']:.3f} s {b['peak_kb'] / 1024:.0f} MB; "
          f"time {a['seconds'] / b['seconds']:.2f} x, " + (f"size {a['bytes'] / b['bytes']:.3f} x ({a['bytes']:.0f} bytes)" if what == "write" else f"{a['rows']:.0f} rows"))
shutil.rmtree(folder)
