"""A server that speaks TLS, for one connection after the other: HTTPS, or SMTP with STARTTLS. Says its port, then a line of JSON for each client."""
import json, socket, ssl, sys

kind, certificate, key, authority = sys.argv[1:5]
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)
if kind == "https-client-certificate":
    context.load_verify_locations(authority)
    context.verify_mode = ssl.CERT_REQUIRED
if kind == "https-tls12":
    context.maximum_version = ssl.TLSVersion.TLSv1_2
names = []
context.sni_callback = lambda connection, name, _: names.append(name)


def https(raw):
    with context.wrap_socket(raw, server_side=True) as line:
        data = b""
        while b"\r\n\r\n" not in data:
            if not (more := line.recv(65536)): raise ValueError("the client has gone")
            data += more
        head = data.split(b"\r\n\r\n")[0].decode()
        line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        headers = dict(entry.split(": ", 1) for entry in head.split("\r\n")[1:])
        subject = dict(pair[0] for pair in (line.getpeercert() or {}).get("subject", ()))
        return {"host": headers.get("Host"), "sni": names[-1:], "version": line.version(), "client": subject.get("commonName")}


def smtp(raw):
    said, message, line = [], [], raw
    def answer(text): line.sendall(text.encode() + b"\r\n")
    answer("220 peer")
    reader = line.makefile("rb")
    while command := reader.readline():
        command = command.decode().strip()
        said.append(command)
        verb = command[:4].upper()
        if verb == "EHLO": answer("250-peer\r\n250-AUTH PLAIN\r\n250 STARTTLS" if line is raw else "250-peer\r\n250 AUTH PLAIN")
        elif verb == "STAR":
            answer("220 go on")
            line = context.wrap_socket(raw, server_side=True)
            reader = line.makefile("rb")
        elif verb == "AUTH": answer("235 welcome" if len(command) > 10 else "334 ")
        elif verb == "DATA":
            answer("354 go on")
            while (text := reader.readline().decode().rstrip("\r\n")) != ".": message.append(text)
            answer("250 taken")
        elif verb == "QUIT":
            answer("221 bye")
            break
        else: answer("235 welcome" if not verb.isupper() or command.endswith("=") else "250 ok")
    return {"encrypted": line is not raw, "commands": said, "lines": len(message)}


listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
while True:
    connection, _ = listener.accept()
    try:
        print(json.dumps((smtp if kind == "smtp" else https)(connection)), flush=True)
    except (OSError, ValueError) as problem:
        print(json.dumps({"problem": str(problem)}), flush=True)
