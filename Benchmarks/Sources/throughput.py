#!/usr/bin/env python3
"""How many lines a second `obs run` takes by each of its ways, from the first line to committed tables, and how much memory it needs.

    Benchmarks/Sources/throughput.py OBS [--lines 1000000] [--clients 4] [--bare] [--only follow,loki,syslog]

Simulated sshd lines, through the pipeline `ssh` with all its rules (`--bare`: without rules and models). The clock runs from the first line to the end of the process after SIGTERM, which
commits everything; then bronze must have every line once. `loki` posts JSON to /loki/api/v1/push with several clients, 5,000 lines a request; `syslog` sends lines over TCP, and is done when obs
has closed each connection, which says that all is on disk. With rsyslogd installed the same lines go through it over TCP into a file, which is all that it does. Needs Python 3.9 and nothing else.
"""
import argparse, http.client, json, os, re, shutil, signal, socket, subprocess, sys, tempfile, threading, time, urllib.request

options = argparse.ArgumentParser()
options.add_argument("obs")
options.add_argument("--lines", type=int, default=1_000_000)
options.add_argument("--clients", type=int, default=4)
options.add_argument("--bare", action="store_true")
options.add_argument("--only", default="follow,loki,syslog,rsyslog")
options = options.parse_args()
obs = os.path.abspath(options.obs)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def listens(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        return True
    except OSError:
        return False


def until(condition, limit=600):
    end = time.time() + limit
    while not condition():
        if time.time() > end:
            sys.exit("it took longer than ten minutes")
        time.sleep(0.02)


def share(lines):
    size = (len(lines) + options.clients - 1) // options.clients
    return [lines[i:i + size] for i in range(0, len(lines), size)]


def at_once(work, parts):
    threads = [threading.Thread(target=work, args=(part,)) for part in parts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def push(port, lines):
    def client(part):
        connection = http.client.HTTPConnection("127.0.0.1", port)
        for start in range(0, len(part), 5000):
            values = [[str(1_700_000_000_000_000_000 + start), line] for line in part[start:start + 5000]]
            body = json.dumps({"streams": [{"stream": {"job": "auth"}, "values": values}]})
            while True:
                connection.request("POST", "/loki/api/v1/push", body, {"Content-Type": "application/json"})
                answer = connection.getresponse()
                text = answer.read()
                if answer.status in (200, 204):
                    break
                if answer.status != 429:
                    sys.exit(f"{answer.status}: {text[:200]}")
                time.sleep(float(answer.getheader("Retry-After", "1")))
    at_once(client, share(lines))


def send(port, lines):
    def client(part):
        with socket.create_connection(("127.0.0.1", port)) as connection:
            data = b"".join(b"<38>" + line.encode() + b"\n" for line in part)
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            # The end of the other side says that everything is on disk.
            connection.settimeout(600)
            connection.recv(1)
    at_once(client, share(lines))


def peak(pid):
    with open(f"/proc/{pid}/status") as file:
        return int(re.search(r"VmHWM:\s+(\d+)", file.read()).group(1)) // 1024


def processor(pid):
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def taken(port):
    try:
        text = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=60).read().decode()
    except OSError:
        return 0
    return sum(float(v) for v in re.findall(r'^obs_stage_records_total\{[^}]*stage="source"[^}]*\} (\S+)$', text, re.M))


def run(way):
    place = folder + "/" + way
    os.mkdir(place)
    http_port, port, log = free_port(), free_port(), place + "/auth.log"
    source = {"follow": f"file: {log}", "loki": "http: true", "syslog": f'syslog: {{ tcp: "127.0.0.1:{port}" }}'}[way]
    open(log, "w").close()
    with open(place + "/obs.yaml", "w") as file:
        file.write(f'data_dir: {place}/data\nhttp: {{ listen: "127.0.0.1:{http_port}" }}\nlog: {{ level: error }}\n')
        if options.bare:
            shutil.copy(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../pipelines/ssh.yaml"), place + "/ssh.yaml")
            file.write("builtin: false\npipelines: [ssh.yaml]\n")
        file.write(f"sources: [{{ name: auth, {source}, pipeline: ssh }}]\n")
    process = subprocess.Popen([obs, "run", "-c", place + "/obs.yaml"], stdout=subprocess.DEVNULL)
    until(lambda: listens(http_port) and (way != "syslog" or listens(port)))
    time.sleep(1)
    before, start = processor(process.pid), time.time()
    if way == "follow":
        with open(log, "a") as file:
            file.write("\n".join(lines) + "\n")
    else:
        {"loki": lambda: push(http_port, lines), "syslog": lambda: send(port, lines)}[way]()
    sent = time.time() - start
    until(lambda: taken(http_port) >= len(lines))
    memory, spent = peak(process.pid), processor(process.pid) - before
    process.send_signal(signal.SIGTERM)
    process.wait()
    took = time.time() - start
    rows = subprocess.run([obs, "lake", "tables", "--data-dir", place + "/data", "-o", "json"], capture_output=True, text=True).stdout
    bronze = next((table["rows"] for table in json.loads(rows) if table["table"] == "bronze.ssh"), 0)
    right = "all in bronze" if bronze == len(lines) else f"BRONZE HAS {bronze}"
    print(f"{way:8} {len(lines) / took / 1000:6.0f} k lines/s  {took:5.1f} s, sent in {sent:5.1f} s  cpu {spent:5.1f} s  peak {memory:4} MB  {right}")
    shutil.rmtree(place)
    return bronze == len(lines)


def rsyslog():
    place, port = folder + "/rsyslog", free_port()
    os.mkdir(place)
    with open(place + "/conf", "w") as file:
        file.write(f'module(load="imtcp")\ninput(type="imtcp" port="{port}" address="127.0.0.1")\naction(type="omfile" file="{place}/out")\n')
    process = subprocess.Popen(["rsyslogd", "-n", "-f", place + "/conf", "-i", place + "/pid"], stderr=subprocess.DEVNULL)
    until(lambda: listens(port))
    size = lambda: os.path.getsize(place + "/out") if os.path.exists(place + "/out") else 0
    start = time.time()

    def client(part):
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(b"".join(b"<38>" + line.encode() + b"\n" for line in part))
    at_once(client, share(lines))
    last = -1
    while size() != last or last == 0:
        last = size()
        time.sleep(0.3)
    took = time.time() - start - 0.3
    written = sum(1 for _ in open(place + "/out", errors="replace"))
    print(f"rsyslog  {written / took / 1000:6.0f} k lines/s  {took:5.1f} s, to a text file without a sync  cpu {processor(process.pid):5.1f} s  peak {peak(process.pid):4} MB")
    process.terminate()
    process.wait()


folder = tempfile.mkdtemp()
try:
    made = subprocess.Popen([obs, "simulate", "ssh", "--for", "400h", "--rate", "8", "--seed", "7", "--start", "2026-01-01T00:00:00Z"],
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    lines = [line.rstrip("\n") for line, _ in zip(made.stdout, range(options.lines))]
    made.kill()
    print(f"{len(lines)} lines, {sum(map(len, lines)) / 1e6:.0f} MB, {options.clients} clients{', without rules' if options.bare else ''}")
    ways = options.only.split(",")
    fine = all([run(way) for way in ("follow", "loki", "syslog") if way in ways])
    if "rsyslog" in ways and shutil.which("rsyslogd"):
        rsyslog()
finally:
    shutil.rmtree(folder, ignore_errors=True)
sys.exit(0 if fine else 1)
