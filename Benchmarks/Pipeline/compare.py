"""Runs the same job in obs, Polars and DuckDB as whole processes, in turn, and prints medians and ratios.

The job: read raw sshd text; keep every line (bronze); parse time, host, pid, event, user, source, port (silver); count attempts, failures and distinct users per
source and five minutes (gold); write all three as zstd Parquet.
"""

import os, resource, shutil, statistics, subprocess, sys, time

obs, folder = sys.argv[1:3]
log = folder + "/auth.log"
rounds = int(os.environ.get("OBS_BENCH_ROUNDS", "3"))
PATTERN = r"^(\w+ +\d+ [\d:]+) (\S+) sshd\[(\d+)\]: (.*)$"
FAILED = r"^(Failed|Accepted) (\S+) for (?:invalid user )?(\S+) from (\S+) port (\d+)"

POLARS = f"""
import polars as pl
bronze = pl.scan_csv({log!r}, has_header=False, separator='\\x01', quote_char=None, new_columns=['line']).collect()
bronze.write_parquet({folder!r} + '/polars_bronze.parquet', compression='zstd', compression_level=1)
parts = bronze.lazy().with_columns(pl.col('line').str.extract_groups(r'''{PATTERN}''').alias('g')).select(
    (pl.lit('2026 ') + pl.col('g').struct.field('1')).str.to_datetime('%Y %b %e %H:%M:%S', strict=False).alias('event_time'),
    pl.col('g').struct.field('2').alias('host'), pl.col('g').struct.field('3').cast(pl.Int32).alias('pid'), pl.col('g').struct.field('4').alias('m'))
silver = parts.with_columns(pl.col('m').str.extract_groups(r'''{FAILED}''').alias('f')).select(
    'event_time', 'host', 'pid', pl.col('f').struct.field('1').alias('event'), pl.col('f').struct.field('2').alias('method'),
    pl.col('f').struct.field('3').alias('user'), pl.col('f').struct.field('4').alias('source'), pl.col('f').struct.field('5').cast(pl.Int32).alias('port')).collect()
silver.write_parquet({folder!r} + '/polars_silver.parquet', compression='zstd', compression_level=1)
gold = silver.lazy().filter(pl.col('source').is_not_null()).group_by(pl.col('event_time').dt.truncate('5m'), 'source').agg(
    pl.len().alias('attempts'), (pl.col('event') == 'Failed').sum().alias('failures'), pl.col('user').n_unique().alias('users')).collect()
gold.write_parquet({folder!r} + '/polars_gold.parquet', compression='zstd', compression_level=1)
"""

DUCKDB = f"""
import duckdb
c = duckdb.connect()
c.sql("create table bronze as select * from read_csv('{log}', header=false, delim='\\x01', quote='', escape='', columns={{'line': 'varchar'}})")
c.sql("copy bronze to '{folder}/duck_bronze.parquet' (format parquet, compression zstd, compression_level 1)")
c.sql(r'''create table silver as select try_strptime('2026 ' || g.t, '%Y %b %d %H:%M:%S') event_time, g.h host, try_cast(g.p as integer) pid, f.e event, f.me as method, f.u as usr, f.s source, try_cast(f.po as integer) port
  from (select g, regexp_extract(g.m, '{FAILED}', ['e','me','u','s','po']) f from (select regexp_extract(line, '{PATTERN}', ['t','h','p','m']) g from bronze))''')
c.sql("copy silver to '{folder}/duck_silver.parquet' (format parquet, compression zstd, compression_level 1)")
c.sql("copy (select time_bucket(interval 5 minute, event_time) w, source, count(*) attempts, count(*) filter (event = 'Failed') failures, count(distinct usr) users from silver where source <> '' group by 1, 2) to '{folder}/duck_gold.parquet' (format parquet, compression zstd)")
"""


def run(command):
    start = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - start
    if status != 0:
        raise SystemExit(f"{command[0]} failed: {process.stderr.read().decode()[-600:]}")
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def job_obs():
    shutil.rmtree(folder + "/data", ignore_errors=True)
    return run([obs, "process", log, "--year", "2026", "--time-zone", "UTC", "--data-dir", folder + "/data", "--quiet"])


jobs = {"obs": job_obs}
for name, program in (("polars", POLARS), ("duckdb", DUCKDB)):
    if subprocess.run([sys.executable, "-c", f"import {name}"], capture_output=True).returncode == 0:
        jobs[name] = lambda program=program: run([sys.executable, "-c", program])

lines = sum(1 for _ in open(log, "rb"))
size = os.path.getsize(log) / 1e6
results = {name: [] for name in jobs}
for _ in range(rounds + 1):
    for name, job in jobs.items():
        results[name].append(job())
print(f"{lines} lines, {size:.0f} MB, median of {rounds} after one warm-up")
median = {}
for name, runs in results.items():
    wall, cpu, memory = (statistics.median(run[i] for run in runs[1:]) for i in range(3))
    median[name] = (wall, memory)
    print(f"{name:8} {wall:6.2f} s  {lines / wall / 1e6:5.2f} M lines/s  {size / wall:5.0f} MB/s  cpu {cpu:5.2f} s  peak {memory:5.0f} MB")
for name in list(jobs)[1:]:
    print(f"obs is {median[name][0] / median['obs'][0]:.2f} x {name} in time, {median['obs'][1] / median[name][1]:.2f} of its memory")
