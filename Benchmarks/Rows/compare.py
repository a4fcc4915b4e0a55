"""Time of unusual rows: rows-bench of obs beside scikit-learn's and isotree's isolation forests, training and scoring.

usage: compare.py ROWS-BENCH [ROWS FEATURES]        python3 with scikit-learn and isotree; swift build -c release --product rows-bench

Each trains 100 trees on samples of 256 rows. Wall is with the threads that each takes by itself (scikit-learn one, isotree and obs all cores).
"""
import subprocess
import sys
import time

import numpy
import sklearn
from isotree import IsolationForest as Isotree
from sklearn.ensemble import IsolationForest

rows, features = (int(sys.argv[2]), int(sys.argv[3])) if len(sys.argv) > 3 else (200_000, 10)
table = numpy.random.default_rng(7).normal(size=(rows, features))


def measure(name, train, score):
    before, start = time.process_time(), time.perf_counter()
    score(train())
    print(f"{name} {rows} rows of {features}: {time.process_time() - before:.2f} s of processor, {time.perf_counter() - start:.2f} s wall", flush=True)


print(subprocess.run([sys.argv[1], str(rows), str(features)], capture_output=True, text=True, check=True).stdout, end="")
measure(
    f"scikit-learn {sklearn.__version__}",
    lambda: IsolationForest(n_estimators=100, max_samples=256, random_state=1).fit(table),
    lambda forest: forest.score_samples(table))
measure(
    "scikit-learn, all cores",
    lambda: IsolationForest(n_estimators=100, max_samples=256, random_state=1, n_jobs=-1).fit(table),
    lambda forest: forest.score_samples(table))
measure(
    "isotree, one thread",
    lambda: Isotree(ntrees=100, sample_size=256, ndim=1, random_seed=1, nthreads=1).fit(table), lambda forest: forest.predict(table))
measure(
    "isotree, all cores",
    lambda: Isotree(ntrees=100, sample_size=256, ndim=1, random_seed=1).fit(table), lambda forest: forest.predict(table))
