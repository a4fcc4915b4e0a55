"""Processor time of unusual rows: rows-bench of obs beside scikit-learn's isolation forest, one thread each.

usage: compare.py ROWS-BENCH [ROWS FEATURES]        python3 with scikit-learn; swift build -c release --product rows-bench
"""
import subprocess
import sys
import time

import numpy
import sklearn
from sklearn.ensemble import IsolationForest

rows, features = (int(sys.argv[2]), int(sys.argv[3])) if len(sys.argv) > 3 else (200_000, 10)
print(subprocess.run([sys.argv[1], str(rows), str(features)], capture_output=True, text=True, check=True).stdout, end="")
table = numpy.random.default_rng(7).normal(size=(rows, features))
before = time.process_time()
forest = IsolationForest(n_estimators=100, max_samples=256, random_state=1, n_jobs=1).fit(table)
forest.score_samples(table)
print(f"scikit-learn {sklearn.__version__} {rows} rows of {features}: {time.process_time() - before:.2f} s")
