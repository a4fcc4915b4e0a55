"""One engine's half of the interoperability matrix.

`interop.py run ENGINE FOLDER` reads the tables that obs wrote in FOLDER/ours and compares every value, then writes its own in FOLDER/ENGINE.
`interop.py check ENGINE FOLDER` compares what obs read of those. Each prints a line a case: its name, `equal`, or what differs.
"""
import datetime
import decimal
import glob
import json
import os
import random
import sys

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset
import pyarrow.parquet as pq

from canonical import rows, same

CASES = ["all_types", "nulls", "empty", "one_row", "unicode", "long_lines", "partitioned", "checkpointed"]
MILLION = 1_000_000
START = 1_700_000_000_000_000


def million():
    ids = pa.array(range(MILLION), pa.int64())
    times = pc.add(pc.multiply(ids, 1_000_003), START).cast(pa.timestamp("us", tz="UTC"))
    texts = pc.binary_join_element_wise(pa.scalar("text "), pc.cast(pc.subtract(ids, pc.multiply(pc.divide(ids, 1000), 1000)), pa.string()), "")
    return pa.table({"id": ids, "time": times, "text": texts})


def made(case):
    """The table that the engines write."""
    generator = random.Random(case)
    count = {"empty": 0, "one_row": 1, "long_lines": 40}.get(case, 500)
    share = 0.5 if case == "nulls" else 0.1
    words = ["", "a", "root", "ünï😀", "line\nbreak", 'quote"', "null", "日本語", "\u202e", "x" * 200]

    def column(make):
        return [None if generator.random() < share else make() for _ in range(count)]

    text = (lambda: generator.choice("aü😀") * generator.randint(10_000, 100_000)) if case == "long_lines" else (lambda: generator.choice(words))
    utc = datetime.timezone.utc
    columns = {
        "id": pa.array(range(count), pa.int64()),
        "bool": pa.array(column(lambda: generator.random() < 0.5), pa.bool_()),
        "byte": pa.array(column(lambda: generator.randint(-128, 127)), pa.int8()),
        "short": pa.array(column(lambda: generator.randint(-32768, 32767)), pa.int16()),
        "int": pa.array(column(lambda: generator.choice([-2**31, 2**31 - 1, 0, generator.randint(-1000, 1000)])), pa.int32()),
        "long": pa.array(column(lambda: generator.choice([-2**63, 2**63 - 1, 0, generator.randint(-10**12, 10**12)])), pa.int64()),
        "float": pa.array(column(lambda: generator.choice([0.5, -0.0, float("inf"), generator.uniform(-1, 1)])), pa.float32()),
        "double": pa.array(column(lambda: generator.choice([0.1, -0.0, float("-inf"), 5e-324, generator.uniform(-1e9, 1e9)])), pa.float64()),
        "date": pa.array(column(lambda: datetime.date(1950, 1, 1) + datetime.timedelta(days=generator.randint(0, 40_000))), pa.date32()),
        "time": pa.array(column(lambda: datetime.datetime(1960, 1, 1, tzinfo=utc) + datetime.timedelta(microseconds=generator.randint(0, 3 * 10**15))), pa.timestamp("us", tz="UTC")),
        "text": pa.array(column(text), pa.string()),
        "binary": pa.array(column(lambda: generator.randbytes(generator.randint(0, 9))), pa.binary()),
        "decimal": pa.array(column(lambda: decimal.Decimal(generator.randint(-10**11, 10**11)).scaleb(-3)), pa.decimal128(12, 3)),
        "list": pa.array(column(lambda: [generator.choice(["a", "b", None]) for _ in range(generator.randint(0, 3))]), pa.list_(pa.string())),
        "struct": pa.array(column(lambda: {"a": generator.randint(0, 9), "b": generator.choice(["x", None])}), pa.struct([("a", pa.int64()), ("b", pa.string())])),
    }
    if case == "nulls":
        columns["nothing"] = pa.array([None] * count, pa.string())
    if case == "partitioned":
        columns["day"] = pa.array([datetime.date(2026, 11, 20) + datetime.timedelta(days=n % 3) for n in range(count)], pa.date32())
    return pa.table(columns)


def data_files(path):
    return sorted(f for f in glob.glob(path + "/**/*.parquet", recursive=True) if "_delta_log" not in f and "/." not in f)


class PyArrow:
    is_delta = False

    def read(self, path, schema_of):
        files = data_files(path)
        if not files:
            return None
        partitioning = pyarrow.dataset.partitioning(pa.schema([("day", pa.date32())]), flavor="hive") if "partitioned" in path else None
        for file in files:
            pq.ParquetFile(file, page_checksum_verification=True).read()
        return pyarrow.dataset.dataset(files, format="parquet", partitioning=partitioning, partition_base_dir=path).to_table()

    def write(self, table, path, case):
        os.makedirs(path)
        versions = {"all_types": dict(data_page_version="2.0", compression="gzip"), "nulls": dict(use_dictionary=False, compression="none"),
                    "unicode": dict(use_dictionary=False, column_encoding={"text": "DELTA_BYTE_ARRAY", "int": "DELTA_BINARY_PACKED", "double": "BYTE_STREAM_SPLIT", "binary": "DELTA_LENGTH_BYTE_ARRAY"})}
        pq.write_table(table, path + "/a.parquet", write_page_checksum=True, **versions.get(case, dict(row_group_size=100_000)))


class DuckDB:
    is_delta = False

    def __init__(self):
        import duckdb
        self.db = duckdb.connect()
        self.db.execute("SET TimeZone='UTC'")

    def read(self, path, schema_of):
        files = data_files(path)
        if not files:
            return None
        hive = ", hive_partitioning=true, hive_types={'day': DATE}" if "partitioned" in path else ""
        return self.db.execute(f"SELECT * FROM read_parquet({files!r}{hive})").to_arrow_table()

    def write(self, table, path, case):
        os.makedirs(path)
        self.db.register("given", table)
        self.db.execute(f"COPY (SELECT * FROM given) TO '{path}/a.parquet' (FORMAT parquet{', COMPRESSION gzip' if case == 'nulls' else ''})")


class Delta:
    is_delta = True

    def read(self, path, schema_of):
        import deltalake
        return deltalake.DeltaTable(path).to_pyarrow_table()

    def write(self, table, path, case):
        import deltalake
        parts = 25 if case == "checkpointed" else 1
        for part in range(parts):
            low, high = table.num_rows * part // parts, table.num_rows * (part + 1) // parts
            deltalake.write_deltalake(path, table.slice(low, high - low), mode="append", partition_by=["day"] if case == "partitioned" else None)
        if case == "checkpointed":
            deltalake.DeltaTable(path).create_checkpoint()


class Polars:
    is_delta = True

    def read(self, path, schema_of):
        import polars
        return polars.read_delta(path).to_arrow()

    def write(self, table, path, case):
        import polars
        frame = polars.from_arrow(table)
        parts = 25 if case == "checkpointed" else 1
        for part in range(parts):
            low, high = frame.height * part // parts, frame.height * (part + 1) // parts
            frame.slice(low, high - low).write_delta(path, mode="append", delta_write_options={"partition_by": ["day"]} if case == "partitioned" else {})


class Spark:
    """Without the jars of delta-spark, which are not on PyPI, Spark reads and writes the Parquet files."""
    is_delta = False

    def __init__(self):
        from pyspark.sql import SparkSession
        self.spark = (SparkSession.builder.master("local[1]").config("spark.sql.session.timeZone", "UTC").config("spark.ui.enabled", "false")
                      .config("spark.driver.memory", "1g").config("spark.driver.host", "127.0.0.1").config("spark.driver.bindAddress", "127.0.0.1")
                      .config("spark.sql.shuffle.partitions", "1").config("spark.log.level", "ERROR").getOrCreate())

    def read(self, path, schema_of):
        files = data_files(path)
        if not files:
            return None
        reader = self.spark.read
        if "partitioned" in path:
            reader = reader.option("basePath", path)
        return reader.parquet(*files).toArrow()

    def write(self, table, path, case):
        # Spark's Arrow bridge wants no metadata and no large types.
        frame = self.spark.createDataFrame(table)
        if case == "nulls":
            self.spark.conf.set("spark.sql.parquet.outputTimestampType", "INT96")
        else:
            self.spark.conf.set("spark.sql.parquet.outputTimestampType", "TIMESTAMP_MICROS")
        frame.coalesce(1).write.parquet(path)


ENGINES = {"pyarrow": PyArrow, "duckdb": DuckDB, "deltalake": Delta, "polars": Polars, "pyspark": Spark}


def by_id(all_rows):
    return sorted(all_rows, key=lambda row: int(row[0][2:]))


def difference(ours, theirs):
    if len(ours) != len(theirs):
        return f"{len(ours)} rows of obs, {len(theirs)} of the peer"
    for a, b in zip(by_id(ours), by_id(theirs)):
        if len(a) != len(b) or not all(map(same, a, b)):
            return f"obs {a}, the peer {b}"[:500]
    return None


def say(case, found):
    print(f"{case}\t{found or 'equal'}", flush=True)


def lines(path):
    return [json.loads(line) for line in open(path, encoding="utf-8")]


def run(engine, name, folder):
    for case in CASES:
        expected = lines(f"{folder}/ours/{case}.jsonl")
        columns = json.load(open(f"{folder}/ours/{case}.columns"))
        try:
            table = engine.read(f"{folder}/ours/{case}", columns)
            say("read " + case, difference(expected, [] if table is None else rows(table.select(columns))))
        except Exception as error:
            say("read " + case, f"{type(error).__name__}: {error}".replace("\n", " ")[:500])
    try:
        table = engine.read(f"{folder}/ours/million", None).select(["id", "time", "text"]).sort_by("id")
        wanted = million()
        unequal = [n for n in wanted.column_names if not pc.all(pc.equal(table[n].cast(wanted[n].type), wanted[n])).as_py()]
        say("read million", None if table.num_rows == MILLION and not unequal else f"differs in {unequal}")
    except Exception as error:
        say("read million", f"{type(error).__name__}: {error}".replace("\n", " ")[:500])
    for case in CASES + ["million"]:
        if case in ("partitioned", "checkpointed") and not engine.is_delta:
            continue
        table = million() if case == "million" else made(case)
        try:
            engine.write(table, f"{folder}/{name}/{case}", case)
            say("written " + case, None)
        except Exception as error:
            say("written " + case, f"{type(error).__name__}: {error}".replace("\n", " ")[:500])


def check(folder, name):
    for file in sorted(glob.glob(f"{folder}/{name}/*.jsonl")):
        case = os.path.basename(file)[:-6]
        table = made(case)
        columns = json.load(open(f"{folder}/{name}/{case}.columns"))
        if sorted(columns) != sorted(table.column_names) and table.num_rows:
            say("write " + case, f"obs has the columns {columns}")
        else:
            say("write " + case, difference(lines(file), rows(table.select(columns)) if table.num_rows else []))


if sys.argv[1] == "run":
    run(ENGINES[sys.argv[2]](), sys.argv[2], sys.argv[3])
else:
    check(sys.argv[3], sys.argv[2])
