#!/usr/bin/env python3
"""Follows a growing and rotated auth.log with `obs run` and draws the resident memory that obs itself reports.

    Benchmarks/Pipeline/memory.py OBS [--minutes 60] [--rate 20000] [--svg docs/memory.svg]

MINUTES of sshd lines at RATE lines a second are made up (`obs simulate ssh`), as fast as they can be made, into a file that is rotated every
two million lines; what obs has read is removed. So the time is compressed: obs works as fast as it can. Every second `process_resident_memory_bytes`,
`obs_source_lines_total` and `obs_pipeline_state_rows` are read from its `/metrics`; of the second half the line that fits best says how memory grows. Needs Python 3.9 and nothing else.
"""
import argparse, json, os, re, shutil, signal, socket, statistics, subprocess, sys, tempfile, time, urllib.request

LINES_PER_FILE = 2_000_000


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def scrape(port):
    text = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30).read().decode()
    def value(pattern):
        found = re.search(r"^" + pattern + r" (\S+)$", text, re.M)
        return float(found.group(1)) if found else 0.0
    return {
        "memory": value(r"process_resident_memory_bytes"), "lines": value(r'obs_source_lines_total\{source="auth"\}'),
        "state": value(r'obs_pipeline_state_rows\{pipeline="ssh"\}'),
    }


def slope(points):
    """Of the line that fits the points best (least squares)."""
    x, y = statistics.mean(p[0] for p in points), statistics.mean(p[1] for p in points)
    return sum((p[0] - x) * (p[1] - y) for p in points) / sum((p[0] - x) ** 2 for p in points)


def svg(samples, total, title):
    """Resident memory over the lines read, as a picture with nothing but lines and text."""
    width, height, left, bottom, top = 760, 320, 60, 40, 40
    greatest = max(s["memory"] for s in samples) / 1e6
    scale = next(step for step in (50, 100, 200, 300, 400, 600, 800, 1000, 2000, 4000, 8000, 10**9) if step >= greatest)
    def x(lines): return left + (width - left - 20) * lines / max(1, total)
    def y(mega): return height - bottom - (height - bottom - top) * mega / scale
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">',
           f'<rect width="{width}" height="{height}" fill="white"/>', f'<text x="{left}" y="22" font-size="14">{title}</text>']
    for part in range(5):
        mega = scale * part / 4
        out.append(f'<line x1="{left}" x2="{width - 20}" y1="{y(mega):.1f}" y2="{y(mega):.1f}" stroke="#ddd"/>')
        out.append(f'<text x="{left - 6}" y="{y(mega) + 4:.1f}" text-anchor="end">{mega:.0f} MB</text>')
        lines = total * part / 4
        out.append(f'<text x="{x(lines):.1f}" y="{height - 18}" text-anchor="middle">{lines / 1e6:.1f} M</text>')
    out.append(f'<text x="{(left + width) / 2:.0f}" y="{height - 3}" text-anchor="middle">lines read</text>')
    points = " ".join(f'{x(s["lines"]):.1f},{y(s["memory"] / 1e6):.1f}' for s in samples)
    out.append(f'<polyline points="{points}" fill="none" stroke="#1f6feb" stroke-width="1.5"/>')
    return "\n".join(out + ["</svg>", ""])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("obs")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--rate", type=int, default=20_000)
    parser.add_argument("--svg")
    options = parser.parse_args()
    obs = os.path.abspath(options.obs)
    total = int(options.minutes * 60 * options.rate)
    folder = tempfile.mkdtemp(prefix="obs-memory-")
    port = free_port()
    log = folder + "/auth.log"
    open(log, "w").close()
    with open(folder + "/obs.yaml", "w") as file:
        file.write(f"data_dir: {folder}/data\nhttp: {{ listen: '127.0.0.1:{port}' }}\nlog: {{ level: error }}\n"
                   f"sources: [{{ name: auth, file: {log}, pipeline: ssh }}]\n")
    daemon = subprocess.Popen([obs, "run", "-c", folder + "/obs.yaml"])
    maker = subprocess.Popen(
        [obs, "simulate", "ssh", "--for", f"{int(options.minutes * 60 * 1.2) + 60}s", "--rate", str(options.rate),
         "--start", "2026-11-02T08:00:00Z", "--seed", "5"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    samples, written, in_file, old, last = [], 0, 0, [], 0.0
    target = open(log, "ab")
    begin = time.monotonic()

    def sample():
        try:
            found = scrape(port)
        except OSError:
            return
        found["seconds"] = time.monotonic() - begin
        samples.append(found)

    try:
        rest = b""
        while written < total:
            block = maker.stdout.read(1 << 20)
            if not block:
                break
            count = block.count(b"\n")
            target.write(block)
            written += count
            in_file += count
            if in_file >= LINES_PER_FILE and block.endswith(b"\n") or in_file >= LINES_PER_FILE + 100_000:
                # The rest of a line goes where its beginning is.
                while not block.endswith(b"\n"):
                    block = maker.stdout.readline()
                    target.write(block)
                    written += block.count(b"\n")
                target.close()
                old.append((f"{log}.{len(old) + 1}", written))
                os.rename(log, old[-1][0])
                target, in_file = open(log, "ab"), 0
            if time.monotonic() - last >= 1:
                last = time.monotonic()
                target.flush()
                sample()
                read = samples[-1]["lines"] if samples else 0
                for path, until in old:
                    if read > until + LINES_PER_FILE / 2 and os.path.exists(path):
                        os.remove(path)
                # Not further ahead than a file: what is not read yet lies on the disk.
                while samples and written - samples[-1]["lines"] > LINES_PER_FILE:
                    time.sleep(1)
                    sample()
        target.close()
        maker.terminate()
        while not samples or samples[-1]["lines"] < written:
            time.sleep(1)
            sample()
        took = time.monotonic() - begin
        daemon.send_signal(signal.SIGTERM)
        daemon.wait()
        half = [(s["lines"] / 1e6, s["memory"] / 1e6) for s in samples if s["lines"] >= written / 2]
        print(json.dumps({
            "lines": written, "seconds": round(took, 1), "lines_per_second": round(written / took),
            "peak_mb": round(max(s["memory"] for s in samples) / 1e6, 1),
            "second_half_median_mb": round(statistics.median(mega for _, mega in half), 1),
            "second_half_mb_per_million_lines": round(slope(half), 3), "state_rows_at_most": int(max(s["state"] for s in samples)),
        }))
        if options.svg:
            with open(options.svg, "w") as file:
                file.write(svg(samples, written, f"Resident memory of obs run: {written / 1e6:.0f} M sshd lines ({options.minutes:g} min at {options.rate} lines/s) in {took / 60:.0f} min"))
    finally:
        for process in (maker, daemon):
            if process.poll() is None:
                process.kill()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
