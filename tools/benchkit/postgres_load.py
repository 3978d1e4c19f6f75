"""lab/postgres/*: what a query costs through the appliance and through PgBouncer, asked by the same pgbench in turn, and
what each adds to the time of one query over the kernel's router.

`simple` and `prepared` are pgbench's own select of one account; `rows1000` selects 1000 rows of about 124 bytes on the wire,
each with an e-mail address, which the appliance masks. A way's figure is the time of its process on a core, user and
system, divided by the queries that were answered.
"""

import glob
import os
import re
import shutil
import statistics

from benchkit.accounting import Interval
from benchkit.figures import Figure, tidy, wanted
from benchkit.round_trip import quantile
from labkit import telemetry
from labkit.namespaces import LabError
from labkit.postgres import PORT, Postgres
from labkit.processes import wait_until

# PgBouncer with buffers as large as those of the other peers, and as it comes: what it takes large results in.
PACKET_BYTES = {"pgbouncer": 65536, "pgbouncer-default": 4096}
KINDS = {"simple": ("-S", "-M", "simple"), "prepared": ("-S", "-M", "prepared"), "rows1000": ("-f", "@SCRIPT@", "-M", "simple")}
NAMES = {f"lab/postgres/{kind}/{beside}": (kind, beside) for kind in KINDS for beside in PACKET_BYTES
         if beside == "pgbouncer" or kind == "rows1000"}
CONNECTIONS = 16
RELAY = "tap-relay"  # that moves the same frames, and looks at none
DATABASE = USER = "bench"
SERVICE = """\
  - name: shop
    address: {address}:5432
    protocol: postgres
    mode: enforce
    record: {{class: routine, durability: group}}
    rules: [pii/*]
"""
_ROWS = 20_000
_TABLE = f"""
create table orders (id int primary key, customer int, name text, contact text, total numeric, state text, created timestamp);
insert into orders select 1000000 + i, 10000 + i * 7919 % 90000, 'Ada Lovelace ' || i % 10, 'ada.lovelace' || i % 1000 || '@example.com',
  (i * 31 % 100000)::numeric / 100, (array['open', 'paid', 'shipped', 'returned'])[1 + i % 4],
  timestamp '2026-08-14 09:15:42.123456' + i * interval '977 s 331 us' from generate_series(1, {_ROWS}) i;
vacuum analyze orders
"""
_SCRIPT = f"""\
\\set first random(1000001, {1000001 + _ROWS - 1000})
select id, customer, name, contact, total, state, created from orders where id >= :first order by id limit 1000;
"""
_LATENCY_SHARES = {"p50": 0.5, "p99": 0.99}
_SLOWER = 5  # so many times fewer queries of 1000 rows are asked for their latency


def ways_for(filters):
    """Of the lab's own: the middle is needed, and the relay."""
    return {"router", RELAY} if any(wanted(name, filters) for name in NAMES) else set()


class Load:
    """The server with its tables, and pgbench at the client."""

    def __init__(self, lab):
        self.lab, self.postgres = lab, Postgres(lab, "postgres-bench")
        self.ways = {}
        self.folder = os.path.join(lab.state, "pgbench")

    def up(self):
        for program in ("pgbench", "pgbouncer"):
            if shutil.which(program) is None:
                raise LabError(f"{program} is not installed: run tools/setup bench")
        os.makedirs(self.folder)
        with open(self._script(), "w", encoding="utf-8") as file:
            file.write(_SCRIPT)
        self.postgres.up(networks=("10.78.0.0/16", "10.79.0.0/24"), listen_addresses="*", log_statement="none", max_connections="200")
        for sql in (f"create role {USER} login superuser", f"create database {DATABASE} owner {USER}"):
            self._direct(sql, "postgres")
        for sql in _TABLE.split(";\n"):
            self._direct(sql, DATABASE)
        done = self.lab.in_client("pgbench", "-i", "-q", "-h", self.postgres.folder, "-U", USER, DATABASE)
        if done.returncode != 0:
            raise LabError(f"pgbench -i: {done.stderr}")
        self.ways = self.lab.postgres_ways(PACKET_BYTES)
        for way in self.ways.values():
            if not wait_until(lambda way=way: self.psql(way, "select 1").returncode == 0, 10, 0.1):
                raise LabError(f"no answer comes through {way.name}: {way.daemon.log()[-2000:] if way.daemon else ''}")
        self._check_masks()

    def down(self):
        for beside in PACKET_BYTES:
            self.lab.daemons[beside].stop()
        self.postgres.down()

    def psql(self, way, sql):
        return self.lab.in_client("psql", "-X", "-A", "-t", "-h", way.address, "-p", str(way.port), "-U", USER, "-d", DATABASE,
                                  "-c", sql)

    def pgbench(self, way, kind, *options):
        """How many queries were answered."""
        script = [option.replace("@SCRIPT@", self._script()) for option in KINDS[kind]]
        done = self.lab.in_client("pgbench", "-n", *script, "-h", way.address, "-p", str(way.port), "-U", USER, *options, DATABASE)
        found = re.search(r"^number of transactions actually processed: (\d+)", done.stdout, re.MULTILINE)
        failed = re.search(r"^number of failed transactions: (\d+)", done.stdout, re.MULTILINE)
        if done.returncode != 0 or not found or not failed or int(failed.group(1)):
            raise LabError(f"pgbench through {way.name}, {kind}: {done.stdout[-500:]}{done.stderr[-500:]}")
        return int(found.group(1))

    def latencies_us(self, way, kind, queries):
        """Of one connection, as pgbench logged them."""
        prefix = os.path.join(self.folder, "log")
        self.pgbench(way, kind, "-c", "1", "-t", str(queries), "-l", f"--log-prefix={prefix}")
        times = []
        for path in glob.glob(prefix + ".*"):
            with open(path, encoding="ascii") as file:
                times += [int(line.split()[2]) for line in file]
            os.remove(path)
        if len(times) != queries:
            raise LabError(f"pgbench through {way.name}, {kind}: {len(times)} of {queries} queries in its log")
        return times

    def _script(self):
        return os.path.join(self.folder, "rows1000.sql")

    def _direct(self, sql, database):
        done = self.postgres.direct(sql, "-d", database, "-q")
        if done.returncode != 0:
            raise LabError(f"PostgreSQL: {done.stderr}")

    def _check_masks(self):
        """Sluice masks every row, and changes nothing else."""
        sql = "select id, name, contact, created from orders order by id limit 1000"
        ours, theirs = (self.psql(self.ways[name], sql).stdout.splitlines() for name in ("sluice", "router"))
        masked = [re.sub(r"[a-z0-9.]+@example\.com", lambda found: re.sub(r"[a-z0-9]", "*", found.group()), line) for line in theirs]
        if len(theirs) != 1000 or ours != masked or any(line in ours for line in theirs):
            raise LabError(f"sluice does not mask each of 1000 rows, or changes what it should not: {ours[:1]} for {theirs[:1]}")


class Sample:
    def __init__(self, threads_ns, core_busy, busy_ns, queries, seconds):
        self.us = sum(threads_ns.values()) / queries / 1000
        self.busy_us = busy_ns / queries / 1000
        self.threads_us = {name: ns / queries / 1000 for name, ns in threads_ns.items()}
        self.core_busy, self.per_second = core_busy, queries / seconds


def measure(load, way, kind, seconds):
    interval, before = Interval(way.pid(), load.lab.dataplane_core), _busy_ns(way)
    queries = load.pgbench(way, kind, "-c", str(CONNECTIONS), "-j", "1", "-T", str(seconds))
    return Sample(*interval.end(), _busy_ns(way) - before, queries, seconds)


def _busy_ns(way):
    """What the appliance's worker had to do. The rest of its time on a core it polls: the server and pgbench have one core
    between them, which is the slower one, and while the next query is near a worker does not rest."""
    return telemetry.ask(way.pid(), "/sluice/worker")["busy_ns"] if way.name == "sluice" else 0


def figures(lab, filters, runs, seconds, pings, say):
    chosen = {name: what for name, what in NAMES.items() if wanted(name, filters)}
    if not chosen:
        return []
    say("raising PostgreSQL")
    load, found = Load(lab), []
    try:
        load.up()
        for kind in KINDS:
            besides = {name: beside for name, (one, beside) in chosen.items() if one == kind}
            if besides:
                found += _figures(load, kind, besides, runs, seconds, pings, say)
    finally:
        load.down()
    return found


def _figures(load, kind, besides, runs, seconds, pings, say):
    """Of one kind: {figure: way beside it}."""
    measured = ["sluice", *besides.values(), RELAY]
    samples = {way: [] for way in measured}
    for way in measured:
        measure(load, load.ways[way], kind, 1)  # warm
    for number in range(runs):  # the ways in turn, so that a machine that drifts drifts for all
        say(f"lab/postgres/{kind} round {number + 1} of {runs}")
        for way in measured:
            samples[way].append(measure(load, load.ways[way], kind, seconds))
    say(f"lab/postgres/{kind}: latency")
    added = _added(load, kind, ["sluice", *besides.values(), "router"], runs, pings // _SLOWER if kind == "rows1000" else pings)
    ours = samples["sluice"]
    threads = {thread: statistics.median(sample.threads_us.get(thread, 0) for sample in ours) for thread in ours[0].threads_us}
    shared = {"connections": CONNECTIONS, "busy_us": tidy(statistics.median(sample.busy_us for sample in ours)),
              "relay_us": tidy(statistics.median(sample.us for sample in samples[RELAY])), "threads": {thread: round(us, 2) for thread, us in threads.items() if us >= 0.05}}

    def fields(way):
        return added[way] | {"queries_per_s": round(statistics.median(sample.per_second for sample in samples[way])),
                             "core_busy": tidy(statistics.median(sample.core_busy for sample in samples[way]))}

    return [Figure(name, "us/query", [sample.us for sample in ours], f"peer/postgres/{kind}/{beside}",
                   [sample.us for sample in samples[beside]],
                   fields("sluice") | {f"versus_{key}": value for key, value in fields(beside).items()} | added["router"] | shared)
            for name, beside in besides.items()]


def _added(load, kind, ways, runs, queries):
    """{way: {field: microseconds that it adds to a query's time over the router}}, on one connection, the ways in turn."""
    times = {(way, share): [] for way in ways for share in _LATENCY_SHARES}
    load.lab.quick_acknowledgements(True)
    try:
        for _ in range(runs):
            for way in ways:
                latencies = load.latencies_us(load.ways[way], kind, queries)
                for share, part in _LATENCY_SHARES.items():
                    times[way, share].append(quantile(latencies, part))
    finally:
        load.lab.quick_acknowledgements(False)
    base = {share: times["router", share] for share in _LATENCY_SHARES}
    added = {way: {f"added_{share}_us": tidy(statistics.median(mine - kernel for mine, kernel in zip(times[way, share], base[share])))
                   for share in base} for way in ways if way != "router"}
    added["router"] = {f"router_{share}_us": tidy(statistics.median(base[share])) for share in base}
    return added
