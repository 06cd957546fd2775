#!/usr/bin/env python3
"""Event logs in a ClickHouse cluster, through its HTTP interface (any version since 18.16).

usage: cluster.py [--servers URL,URL...] [--cluster NAME] create            tables on every server
       cluster.py [--servers URL,URL...] load [--xenolith FILE] [NAME=]LOG...
       cluster.py [--servers URL,URL...] histogram
       cluster.py [--servers URL,URL...] first-divergence RUN RUN
       cluster.py [--servers URL,URL...] sql 'SELECT ...'                    anything
       cluster.py local FOLDER [COUNT]                                       COUNT (2) servers on the loopback, until interrupted

Answers are JSON, a row a line. --servers is http://127.0.0.1:8123 where it is not given, --cluster xenolith. User and password stand in the URL."""
import argparse
import base64
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
CHUNK = 1 << 20
SERVER = """<yandex>
    <logger><level>warning</level><log>{folder}/server.log</log><errorlog>{folder}/error.log</errorlog></logger>
    <listen_host>127.0.0.1</listen_host>
    <http_port>{http}</http_port><tcp_port>{tcp}</tcp_port><interserver_http_port>{inter}</interserver_http_port>
    <interserver_http_host>127.0.0.1</interserver_http_host>
    <path>{folder}/data/</path><tmp_path>{folder}/tmp/</tmp_path>
    <mark_cache_size>67108864</mark_cache_size><uncompressed_cache_size>0</uncompressed_cache_size>
    <max_concurrent_queries>20</max_concurrent_queries>
    <users_config>{folder}/users.xml</users_config>
    <default_profile>default</default_profile><default_database>default</default_database>
    <remote_servers><xenolith>{shards}</xenolith></remote_servers>
</yandex>
"""
SHARD = "<shard><replica><host>127.0.0.1</host><port>{}</port></replica></shard>"
USERS = """<yandex>
    <profiles><default><max_memory_usage>2000000000</max_memory_usage><max_threads>2</max_threads></default></profiles>
    <users><default><password></password><networks><ip>127.0.0.1</ip></networks><profile>default</profile><quota>default</quota></default></users>
    <quotas><default></default></quotas>
</yandex>
"""


class Problem(Exception):
    pass


def request(server, sql, body=None, **settings):
    """One statement; the answer's bytes. `body`: a file whose rows go behind an INSERT."""
    parts = urllib.parse.urlsplit(server)
    query = urllib.parse.urlencode({**settings, **({"query": sql} if body else {})})
    url = urllib.parse.urlunsplit((parts.scheme, parts.hostname + f":{parts.port or 8123}", "/", query, ""))
    call = urllib.request.Request(url, data=body or sql.encode(), method="POST")
    if parts.username:
        user = f"{urllib.parse.unquote(parts.username)}:{urllib.parse.unquote(parts.password or '')}"
        call.add_header("Authorization", "Basic " + base64.b64encode(user.encode()).decode())
    if body:
        call.add_header("Transfer-Encoding", "chunked")
    try:
        with urllib.request.urlopen(call) as answer:
            return answer.read()
    except urllib.error.HTTPError as error:
        raise Problem(f"{parts.hostname}:{parts.port}: {error.read().decode(errors='replace').strip()}") from None
    except OSError as error:
        raise Problem(f"{server}: {error}") from None


def statements(text):
    text = re.sub(r"^--.*\n", "", text, flags=re.M)
    return [part.strip() for part in text.split(";") if part.strip()]


def quoted(text):
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def create(servers, cluster):
    if not re.fullmatch(r"\w+", cluster):
        raise Problem(f"{cluster!r} is no name of a cluster")
    for server in servers:
        for statement in statements((HERE / "schema.sql").read_text().replace("{cluster}", cluster)):
            request(server, statement)


def load(servers, xenolith, logs):
    """Streams each log's rows into the table of all servers; they are on their servers when this returns."""
    for number, log in enumerate(logs):
        export = subprocess.Popen([xenolith, "trace", "export", "--rowbinary", "-", log], stdout=subprocess.PIPE)
        try:
            request(servers[number % len(servers)], "INSERT INTO xenolith.events FORMAT RowBinary", iter(lambda: export.stdout.read(CHUNK), b""),
                    insert_distributed_sync=1)
        finally:
            export.stdout.close()
            status = export.wait()
        if status:
            raise Problem(f"{log}: xenolith trace export ended with status {status}")


def ask(server, sql):
    answer = request(server, sql + " FORMAT JSONEachRow", output_format_json_quote_64bit_integers=0)
    return [json.loads(line) for line in answer.splitlines()]


def histogram(server):
    return ask(server, statements((HERE / "histogram.sql").read_text())[0])


def first_divergence(server, a, b):
    sql = statements((HERE / "first_divergence.sql").read_text())[0]
    return ask(server, sql.replace("{a}", quoted(a)).replace("{b}", quoted(b)))


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


class Local:
    """Servers on the loopback, one cluster: `with Local(folder) as urls`. None of it outlives the block but the folder."""

    def __init__(self, folder, count=2):
        self.folder, self.count, self.running = pathlib.Path(folder).resolve(), count, []

    def __enter__(self):
        program = shutil.which("clickhouse-server") or "/usr/sbin/clickhouse-server"
        ports = free_ports(3 * self.count)
        shards = "".join(SHARD.format(ports[3 * i + 1]) for i in range(self.count))
        try:
            for i in range(self.count):
                folder = self.folder / f"server{i}"
                for part in ("data", "tmp"):
                    (folder / part).mkdir(parents=True, exist_ok=True)
                (folder / "users.xml").write_text(USERS)
                (folder / "config.xml").write_text(SERVER.format(folder=folder, http=ports[3 * i], tcp=ports[3 * i + 1], inter=ports[3 * i + 2], shards=shards))
                self.running.append(subprocess.Popen([program, f"--config-file={folder / 'config.xml'}"], cwd=folder, stdin=subprocess.DEVNULL,
                                                     stdout=open(folder / "output.txt", "wb"), stderr=subprocess.STDOUT))
            urls = [f"http://127.0.0.1:{ports[3 * i]}" for i in range(self.count)]
            for i, url in enumerate(urls):
                self.wait(i, url)
            return urls
        except BaseException:
            self.__exit__()
            raise

    def wait(self, i, url):
        for _ in range(600):
            if self.running[i].poll() is not None:
                break
            try:
                request(url, "SELECT 1")
                return
            except Problem:
                time.sleep(0.1)
        folder = self.folder / f"server{i}"
        logs = "".join(p.read_text(errors="replace")[-2000:] for p in (folder / "output.txt", folder / "error.log") if p.exists())
        raise Problem(f"server {i} does not answer:\n{logs}")

    def __exit__(self, *_):
        for server in self.running:
            server.send_signal(signal.SIGTERM)
        for server in self.running:
            try:
                server.wait(10)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--servers", default="http://127.0.0.1:8123")
    parser.add_argument("--cluster", default="xenolith")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("create")
    command = commands.add_parser("load")
    command.add_argument("--xenolith", default=os.environ.get("XENOLITH", "build/release/xenolith"))
    command.add_argument("logs", nargs="+", metavar="[NAME=]LOG")
    commands.add_parser("histogram")
    command = commands.add_parser("first-divergence")
    command.add_argument("runs", nargs=2, metavar="RUN")
    commands.add_parser("sql").add_argument("sql")
    command = commands.add_parser("local")
    command.add_argument("folder")
    command.add_argument("count", nargs="?", type=int, default=2)
    a = parser.parse_args()
    servers = a.servers.split(",")
    rows = []
    try:
        if a.command == "create":
            create(servers, a.cluster)
        elif a.command == "load":
            load(servers, a.xenolith, a.logs)
        elif a.command == "histogram":
            rows = histogram(servers[0])
        elif a.command == "first-divergence":
            rows = first_divergence(servers[0], *a.runs)
        elif a.command == "sql":
            rows = ask(servers[0], a.sql)
        else:
            with Local(a.folder, a.count) as urls:
                print("--servers " + ",".join(urls), flush=True)
                signal.sigwait({signal.SIGINT, signal.SIGTERM})
    except (Problem, KeyboardInterrupt) as problem:
        sys.exit(f"cluster.py: {problem}")
    for row in rows:
        print(json.dumps(row))


if __name__ == "__main__":
    main()
