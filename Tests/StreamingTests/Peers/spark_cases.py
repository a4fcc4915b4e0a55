"""Makes random cases of event time and lets Spark Structured Streaming say what must come of them.

usage: spark_cases.py SEED COUNT FILE

Each case is events in arrival order, cut into micro-batches, with a window, a deduplication or a join of two streams; with it stands what append mode gave in
which micro-batch. Spark reads one file a micro-batch, and one more without rows when the watermark has moved.
"""

import json, os, random, shutil, sys, tempfile
from datetime import datetime, timedelta, timezone

from pyspark.sql import SparkSession, functions as F

seed, count, path = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
chance = random.Random(seed)
scratch = tempfile.mkdtemp(dir=os.path.dirname(os.path.abspath(path)))
settings = {
    "spark.sql.shuffle.partitions": "2", "spark.sql.session.timeZone": "UTC", "spark.ui.enabled": "false", "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1", "spark.local.dir": scratch, "spark.sql.warehouse.dir": scratch,
}
builder = SparkSession.builder.master("local[2]")
for name, value in settings.items():
    builder = builder.config(name, value)
spark = builder.getOrCreate()
spark.sparkContext.setLogLevel("ERROR")
start = datetime(2026, 1, 1, tzinfo=timezone.utc)


def stamp(time):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def events(number, first, keys, jitter, stride):
    """Rows in arrival order; of four one comes too late by up to `jitter` seconds."""
    now, rows = 0, []
    for index in range(number):
        now += chance.choice([0, 1, stride, stride, stride * 4])
        time = max(0, now - chance.choice([0, 0, 0, chance.randint(0, jitter)]))
        rows.append({"id": first + index, "t": stamp(start + timedelta(seconds=time)), "k": chance.choice(keys), "v": float(chance.randint(0, 20))})
    return rows


def epochs(rows):
    """The rows in micro-batches; in some cases some of them are empty."""
    cut = []
    while rows:
        size = chance.choice([0, 1, 2, 3, 5])
        cut.append(rows[:size])
        rows = rows[size:]
    return [batch for batch in cut if batch] if chance.random() < 0.7 else cut


def stream(folder, batches, delay):
    os.makedirs(folder)
    for index, rows in enumerate(batches):
        name = f"{folder}/{index:04}.json"
        with open(name, "w") as file:
            file.writelines(json.dumps(row) + "\n" for row in rows)
        # Spark takes the oldest file first.
        os.utime(name, (1_000_000 + 10 * index,) * 2)
    rows = spark.readStream.schema("id INT, t TIMESTAMP, k STRING, v DOUBLE").option("maxFilesPerTrigger", 1).json(folder)
    return rows.withWatermark("t", f"{delay} seconds")


def emitted(query, folder):
    """The rows that the query gives, by micro-batch."""
    given = {}

    def take(rows, epoch):
        found = [row.asDict() for row in rows.collect()]
        if found:
            given[epoch] = found

    running = query.writeStream.outputMode("append").foreachBatch(take).option("checkpointLocation", folder + "/checkpoint").start()
    running.processAllAvailable()
    running.stop()
    return sorted(given.items())


def case(kind, name):
    folder = tempfile.mkdtemp(dir=scratch)
    delay, stride = chance.choice([0, 0, 10, 60, 100, 300]), chance.choice([5, 20, 60])
    keys = ["a", "b", "c"][: chance.randint(1, 3)]
    spec = {"kind": kind, "watermark_delay_s": delay}
    made = {"name": name, "spec": spec}
    if kind in ("inner", "left"):
        spec.update(kind="stream_join", how=kind, within_s=chance.choice([10, 60, 120, 600]))
        sides = [epochs(events(chance.randint(3, 15), first, keys, 200, stride)) for first in (1, 101)]
        longest = max(map(len, sides))
        made["left"], made["right"] = [side + [[]] * (longest - len(side)) for side in sides]
        left, right = (stream(f"{folder}/{side}", made[side], delay).alias(side) for side in ("left", "right"))
        near = f"left.k = right.k AND right.t >= left.t AND right.t <= left.t + interval {spec['within_s']} seconds"
        pairs = left.join(right, F.expr(near), kind).select(F.col("left.id").alias("lid"), F.col("right.id").alias("rid"))
        made["joined"] = [pair for _, rows in emitted(pairs, folder) for pair in rows]
        return made
    made["epochs"] = epochs(events(chance.randint(5, 25), 1, keys, chance.choice([30, 200, 600]), stride))
    rows = stream(folder + "/in", made["epochs"], delay)
    if kind == "dedup_within_watermark":
        given = emitted(rows.dropDuplicatesWithinWatermark(["k"]), folder)
        made["emitted"] = [{"epoch": epoch, "rows": [{"id": row["id"], "k": row["k"]} for row in found]} for epoch, found in given]
        return made
    if kind == "tumbling":
        spec["size_s"] = chance.choice([30, 60, 300, 500])
        window = F.window("t", f"{spec['size_s']} seconds")
    elif kind == "hopping":
        spec["slide_s"] = chance.choice([20, 50, 100])
        spec["size_s"] = spec["slide_s"] * chance.choice([1, 2, 3, 5]) + chance.choice([0, 0, 10])
        window = F.window("t", f"{spec['size_s']} seconds", f"{spec['slide_s']} seconds")
    else:
        spec["gap_s"] = chance.choice([15, 45, 60, 120])
        window = F.session_window("t", f"{spec['gap_s']} seconds")
    measures = [F.count("*").alias("count"), F.sum("v").alias("sum"), F.min("v").alias("min"), F.max("v").alias("max")]
    given = emitted(rows.groupBy(window.alias("window"), "k").agg(*measures), folder)
    made["emitted"] = [
        {
            "epoch": epoch,
            "rows": [{"start": stamp(row["window"]["start"]), "end": stamp(row["window"]["end"]), **{name: row[name] for name in ("k", "count", "sum", "min", "max")}} for row in found],
        }
        for epoch, found in given
    ]
    return made


kinds = ["tumbling", "hopping", "session", "dedup_within_watermark", "inner", "left"]
cases = [case(kinds[index % len(kinds)], f"seed {seed}, case {index}: {kinds[index % len(kinds)]}") for index in range(count)]
with open(path, "w") as file:
    # One case per line, so that a change of one can be read.
    file.write("[\n" + ",\n".join(json.dumps(one) for one in cases) + "\n]\n")
spark.stop()
shutil.rmtree(scratch, ignore_errors=True)
