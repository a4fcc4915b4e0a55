"""Makes a table silver.web below a folder of a lake, and prints what DuckDB answers to sixty questions on its Parquet files: `sql_questions.py LAKE INCIDENTS.json`.

A question is one statement for both, or two where the languages differ: obs's first.
"""
import datetime
import glob
import json
import random
import sys

import duckdb
import pyarrow as pa
from deltalake import write_deltalake

lake, incidents = sys.argv[1:3]
random.seed(18)
start = datetime.datetime(2026, 11, 20, tzinfo=datetime.timezone.utc)
users = ["root", "admin", "Ünal", "日本", "o'brien", "", "a\u0301", "e\tx", None]


def row(number):
    time = start + datetime.timedelta(microseconds=random.randrange(3 * 86_400_000_000))
    return {
        "event_time": None if number % 97 == 0 else time,
        "source": f"192.0.2.{random.randrange(12)}",
        "user": random.choice(users),
        "path": random.choice(["/", "/login", "/a/b", "/ä?x=1%2", "/login/"]),
        "status": random.choice([200, 200, 200, 301, 404, 500, None]),
        "bytes": random.choice([None, random.randrange(1 << 40), random.randrange(1000)]),
        "latency": random.choice([None, random.randrange(1, 1 << 20) / 1024]),
        "ok": random.choice([True, True, False, None]),
        "day": (time + datetime.timedelta(days=random.randrange(-2, 3))).date() if number % 31 else None,
        "tags": None if number % 11 == 0 else {"zone": random.choice(["a", "b", None]), "rank": random.randrange(4)},
    }


schema = pa.schema([
    ("event_time", pa.timestamp("us", tz="UTC")), ("source", pa.string()), ("user", pa.string()), ("path", pa.string()), ("status", pa.int32()),
    ("bytes", pa.int64()), ("latency", pa.float64()), ("ok", pa.bool_()), ("day", pa.date32()), ("tags", pa.struct([("zone", pa.string()), ("rank", pa.int64())])),
])
for part in range(3):
    table = pa.Table.from_pylist([row(part * 1500 + number) for number in range(1500)], schema=schema)
    write_deltalake(lake + "/silver/web", table, mode="append")

duck = duckdb.connect()
duck.execute("SET TimeZone = 'UTC'")
duck.execute("CREATE SCHEMA silver")
files = glob.glob(lake + "/silver/web/**/*.parquet", recursive=True)
duck.execute(f"CREATE TABLE silver.web AS SELECT * FROM read_parquet({files!r})")
duck.execute("CREATE TABLE incidents (number BIGINT, name TEXT, severity TEXT, source TEXT, opened_at TIMESTAMPTZ)")
for one in json.load(open(incidents)):
    duck.execute("INSERT INTO incidents VALUES (?, ?, ?, ?, ?)", one)

T = "silver.web"
QUESTIONS = [
    # Counts, groups and NULLs.
    f"SELECT count(*) FROM {T}", f"SELECT count(user), count(status), count(bytes), count(day) FROM {T}", f"SELECT user, count(*) FROM {T} GROUP BY user",
    f"SELECT status, ok, count(*) FROM {T} GROUP BY status, ok", f"SELECT source, sum(status), min(bytes), max(bytes) FROM {T} GROUP BY source",
    f"SELECT avg(status), avg(bytes) FROM {T}", f"SELECT ok, avg(status) FROM {T} WHERE user IS NOT NULL GROUP BY ok", f"SELECT count(DISTINCT user), count(DISTINCT source) FROM {T}",
    f"SELECT DISTINCT path FROM {T}", f"SELECT DISTINCT status, ok FROM {T} WHERE source = '192.0.2.3'", f"SELECT count(*) FROM {T} WHERE user = ''", f"SELECT count(*) FROM {T} WHERE user IS NULL",
    f"SELECT count(*) FROM {T} WHERE NOT ok", f"SELECT count(*) FROM {T} WHERE ok IS NULL OR status IS NULL", f"SELECT count(*) FROM {T} WHERE status <> 200", f"SELECT coalesce(user, '(none)') AS u, count(*) FROM {T} GROUP BY u",
    f"SELECT user, count(*) FROM {T} GROUP BY user HAVING count(*) > 490", f"SELECT source, count(*) AS n FROM {T} GROUP BY source ORDER BY n DESC, source LIMIT 5",
    f"SELECT count(*) FILTER (WHERE status = 500), count(*) FILTER (WHERE ok) FROM {T}", f"SELECT source, sum(CASE WHEN status >= 400 THEN 1 ELSE 0 END) FROM {T} GROUP BY source",
    f"SELECT min(user), max(user), min(path), max(path) FROM {T}", f"SELECT min(latency), max(latency) FROM {T}", f"SELECT round(sum(latency), 3) FROM {T}", f"SELECT sum(bytes) FROM {T} WHERE status = 99",
    f"SELECT count(*), max(status) FROM {T} WHERE user = 'nobody'", f"SELECT status % 100, count(*) FROM {T} GROUP BY status % 100",
    # Conditions that a scan is given.
    f"SELECT count(*) FROM {T} WHERE source = '192.0.2.7' AND status = 404", f"SELECT count(*) FROM {T} WHERE status IN (301, 500)", f"SELECT count(*) FROM {T} WHERE bytes BETWEEN 100 AND 900",
    f"SELECT count(*) FROM {T} WHERE bytes > 549755813888", f"SELECT count(*) FROM {T} WHERE latency < 0.5", f"SELECT count(*) FROM {T} WHERE latency >= 100 AND latency < 101.5", f"SELECT count(*) FROM {T} WHERE source > '192.0.2.5'",
    f"SELECT source, user, status FROM {T} WHERE bytes < 12 AND user > 'b'", f"SELECT path, status FROM {T} WHERE status = 404 AND user IN ('root', '日本') AND source = '192.0.2.1'",
    # Times.
    f"SELECT min(event_time), max(event_time) FROM {T}", f"SELECT count(*) FROM {T} WHERE event_time >= '2026-11-21T00:00:00Z'", f"SELECT count(*) FROM {T} WHERE event_time < '2026-11-20T12:30:00+02:00'",
    f"SELECT count(*) FROM {T} WHERE event_time BETWEEN '2026-11-21 06:00:00Z' AND '2026-11-21 18:00:00Z'", f"SELECT count(*) FROM {T} WHERE event_time IS NULL",
    (f"SELECT bucket(event_time, '1h') AS t, count(*) FROM {T} GROUP BY t", f"SELECT time_bucket(INTERVAL 1 hour, event_time) AS t, count(*) FROM {T} GROUP BY t"),
    (f"SELECT bucket(event_time, '1d') AS t, ok, count(*) FROM {T} GROUP BY t, ok", f"SELECT date_trunc('day', event_time) AS t, ok, count(*) FROM {T} GROUP BY t, ok"),
    (f"SELECT bucket(event_time, '1w') AS t, count(*) FROM {T} GROUP BY t", f"SELECT date_trunc('week', event_time) AS t, count(*) FROM {T} GROUP BY t"),
    (f"SELECT strftime('%H', event_time) AS h, count(*) FROM {T} GROUP BY h", f"SELECT strftime(event_time, '%H') AS h, count(*) FROM {T} GROUP BY h"),
    f"SELECT day, count(*) FROM {T} GROUP BY day", f"SELECT count(*) FROM {T} WHERE day >= '2026-11-21' AND day < '2026-11-23'", f"SELECT event_time, source FROM {T} WHERE status = 500 AND event_time > '2026-11-22T20:00:00Z'",
    # Texts in any script.
    f"SELECT count(*) FROM {T} WHERE user = '日本'", f"SELECT count(*) FROM {T} WHERE user = 'á'", f"SELECT count(*) FROM {T} WHERE user = 'o''brien'", f"SELECT user, length(user) FROM {T} WHERE bytes < 40",
    f"SELECT substr(path, 2, 3), count(*) FROM {T} GROUP BY 1", f"SELECT count(*) FROM {T} WHERE path LIKE '/login%'",
    (f"SELECT count(*) FROM {T} WHERE matches(path, '/[a-z]+/?')", f"SELECT count(*) FROM {T} WHERE regexp_full_match(path, '/[a-z]+/?')"),
    (f"SELECT count(*) FROM {T} WHERE cidr('192.0.2.0/30', source)", f"SELECT count(*) FROM {T} WHERE source IN ('192.0.2.0', '192.0.2.1', '192.0.2.2', '192.0.2.3')"),
    # Nested columns are their JSON.
    (f"SELECT tags ->> 'zone' AS z, count(*) FROM {T} GROUP BY z", f"SELECT tags.zone AS z, count(*) FROM {T} GROUP BY z"),
    (f"SELECT sum(tags ->> 'rank') FROM {T} WHERE status = 404", f"SELECT sum(tags.rank) FROM {T} WHERE status = 404"),
    # Windows, joins, subqueries, compounds.
    f"SELECT source, n, rank() OVER (ORDER BY n DESC) FROM (SELECT source, count(*) AS n FROM {T} WHERE ok GROUP BY source) AS s",
    f"SELECT source, status, lag(status) OVER (PARTITION BY source ORDER BY event_time) FROM {T} WHERE bytes < 60 AND event_time IS NOT NULL",
    f"WITH a AS (SELECT source, count(*) AS n FROM {T} WHERE status = 500 GROUP BY source), b AS (SELECT source, count(*) AS n FROM {T} GROUP BY source) SELECT b.source, a.n, b.n FROM b LEFT JOIN a ON a.source = b.source",
    f"SELECT i.number, count(*) FROM incidents i JOIN {T} w ON w.source = i.source GROUP BY i.number", f"SELECT i.name, i.severity, count(w.status) FROM incidents i LEFT JOIN {T} w ON w.source = i.source AND w.status = 404 GROUP BY i.name, i.severity",
    f"SELECT i.number, w.source FROM incidents i JOIN {T} w ON w.source = i.source WHERE w.event_time > i.opened_at AND w.bytes < 30", f"SELECT count(*) FROM {T} WHERE source IN (SELECT source FROM incidents)",
    f"SELECT count(*) FROM {T} a WHERE EXISTS (SELECT 1 FROM incidents i WHERE i.source = a.source AND i.severity = 'critical')",
    f"SELECT source FROM {T} WHERE status = 404 UNION SELECT source FROM incidents", f"SELECT user FROM {T} WHERE ok EXCEPT SELECT user FROM {T} WHERE status = 500 AND bytes < 100",
]


def text(value):
    if isinstance(value, datetime.datetime):
        return value.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float) or type(value).__name__ == "Decimal":
        return f"{float(value):.9g}"
    return value if value is None else str(value)


answers = []
for question in QUESTIONS:
    ours, theirs = question if isinstance(question, tuple) else (question, question)
    answers.append({"question": ours, "rows": [[text(value) for value in row] for row in duck.execute(theirs).fetchall()]})
print(json.dumps(answers))
