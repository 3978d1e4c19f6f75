"""tools/demo postgres: psql asks a database as ever; what it must not see is masked, what nobody may do is refused.

Each scene is a method that stands by itself behind raise_lab(); run() says in which order they come.
"""

import os
import subprocess

from labkit import api
from labkit.postgres import Postgres
from labkit.processes import Daemon, wait_until
from labkit.story import Story

PICTURE = """\
   client                     Sluice                       server
   10.77.0.64   ── TAP ──   data plane   ── TAP ──   PostgreSQL, 10.77.0.2:5432
   psql                         │                     (its own cluster)
                             control  ── sluice, the CLI"""

POLICY = """\
services:
  - name: shop
    address: 10.77.0.2:5432
    protocol: postgres
    mode: enforce
    record: {class: routine, durability: group}
    rules: [pii/card, pii/email, sql/delete-all, local/*]
rules:
  - name: keep-customers             # asks what a statement means, not how it is written
    sql: {kinds: [drop, truncate], tables: customers}
    action: deny
  - name: renamed
    sql: {kinds: update, tables: customers, columns: name}
    action: hold
retention: {routine: 90d}
"""

CUSTOMERS = (("Ada Stone", "4111111111111111", "ada@example.com"), ("Bo Lind", "5500005555555559", "bo@example.com"),
             ("Cleo Marsh", "340000000000009", "cleo@example.com"))
SECRETS = [secret for _, *secrets in CUSTOMERS for secret in secrets]
ROWS = ", ".join(f"({i}, '{name}', '{card}', '{email}')" for i, (name, card, email) in enumerate(CUSTOMERS, 1))
TABLES = f"""
create table customers (id int primary key, name text, card text, email text);
insert into customers values {ROWS};
"""


class PostgresStory(Story):
    def __init__(self):
        super().__init__()
        self.postgres = Postgres(self.lab)
        self.staging = Postgres(self.lab, "staging", self.lab.staging_port + 1000)

    def run(self):
        self.raise_lab()
        self.rows()
        self.other_ways()
        self.denied()
        self.disguised()
        self.held()
        self.cancelled()
        self.replicated()
        self.unnoticed()
        self.recorded()
        self.replayed()

    def down(self):
        self.staging.down()
        self.postgres.down()
        super().down()

    # What the scenes share.

    def psql(self, *statements, options=(), limit=40):
        """As a person would type it, in the client's place."""
        parts = [part for sql in statements for part in ("-c", sql)]
        self.say.command("psql -h 10.77.0.2 -U ann shop " + " ".join([*options, *(part if part == "-c" else f'"{part}"' for part in parts)]))
        done = self.lab.in_client("psql", "-X", "-h", self.lab.server_address, "-U", "ann", "-d", "shop", *options, *parts)
        self.say.output((done.stdout + done.stderr).rstrip(), limit)
        return done

    def beside(self, sql):
        """What the server has, asked around the appliance."""
        return self.postgres.direct(sql, "-d", "shop", "-A", "-t").stdout

    @staticmethod
    def has_secret(text):
        return any(secret in text for secret in SECRETS)

    def holds(self):
        return api.get(self.lab.appliance.api, "/v1/holds?limit=100")["holds"]

    def sessions(self):
        return [one for one in api.get(self.lab.appliance.api, "/v1/sessions?limit=100")["sessions"] if one["closed"]]

    # The scenes.

    def raise_lab(self):
        self.say.step("The lab", "An unmodified PostgreSQL server, unmodified clients, and the appliance between.")
        self.say.line()
        self.say.output(PICTURE)
        self.lab.up(POLICY)
        for server in (self.postgres, self.staging):
            server.up()
            for sql in ("create role ann login superuser", "create database shop owner ann"):
                server.direct(sql)
            server.direct(TABLES, "-d", "shop")
        self.say.command("cat policy.yaml")
        self.say.output(POLICY)
        self.say.expect(self.beside("select count(*) from customers") == "3\n", "everything runs, the database has three customers")

    def rows(self):
        self.say.step("A query", "Ann asks the server by the server's own address, as ever.")
        done = self.psql("select * from customers order by id")
        self.say.expect(all(name in done.stdout for name, *_ in CUSTOMERS) and not self.has_secret(done.stdout),
                        "she gets the rows, without one card number or address")
        self.say.expect(self.beside("select card from customers where id = 1") == CUSTOMERS[0][1] + "\n",
                        "the server has them as they were")

    def other_ways(self):
        self.say.step("Other ways to the same", "COPY, an error that tells what it failed on, a prepared statement.")
        done = self.psql("copy customers to stdout", "select ('card ' || card)::int from customers where id = 2",
                         "prepare one (int) as select card from customers where id = $1", "execute one (3)")
        self.say.expect("Ada Stone" in done.stdout and "invalid input syntax" in done.stderr, "each does what it does")
        self.say.expect(not self.has_secret(done.stdout + done.stderr), "and none of them tells a secret")

    def denied(self):
        self.say.step("A statement that a rule denies", "In the middle of a transaction, in the server's own words.")
        done = self.psql("begin", "insert into customers values (4, 'Dan Holt')", "DROP TABLE customers", "select 1", "rollback",
                         "select count(*) from customers", options=("-v", "VERBOSITY=verbose"))
        self.say.expect("ERROR:  42501: refused by the gateway: a rule denies this" in done.stderr, "it is an error as any other")
        self.say.expect("25P02" in done.stderr, "the transaction is a failed one, for the server too")
        self.say.expect(" 3\n" in done.stdout, "the session lives on, and nothing of it was done")
        self.say.expect("DROP TABLE" not in self.postgres.log(), "the server's log has never heard of it")

    def disguised(self):
        self.say.step("The same in disguise", "Rules ask PostgreSQL's own grammar, so another spelling is the same statement.")
        done = self.psql('delete/**/from ONLY "customers" -- where id = 1', "with gone as (delete from customers returning *) select 1",
                         "select 'delete from customers' as words")
        self.say.expect(done.stderr.count("a rule denies this") == 2, "a DELETE of every row is denied, however it is written")
        self.say.expect("delete from customers" in done.stdout, "words in a literal are no statement")
        self.say.expect(self.beside("select count(*) from customers") == "3\n", "all three are still there")

    def held(self):
        self.say.step("A statement that waits", "Whoever renames a customer waits for a second pair of eyes.")
        sql = "update customers set name = 'Ada Hill' where id = 1"
        self.say.command(f'psql -h 10.77.0.2 -U ann shop -c "{sql}" &')
        client = Daemon("psql", self.lab.state)
        client.start(["psql", "-X", "-h", self.lab.server_address, "-U", "ann", "-d", "shop", "-c", sql], namespace=self.lab.client)
        try:
            self.say.expect(wait_until(self.holds, 20, 0.01), "the statement is held, and a reviewer sees it")
            self.cli("holds", "show", self.holds()[0]["id"])
            self.say.expect(self.beside("select name from customers where id = 1") == "Ada Stone\n", "the server has heard nothing of it")
            self.cli("holds", "approve", self.holds()[0]["id"], "--reason", "she married")
            self.say.expect(wait_until(lambda: "UPDATE 1" in client.log(), 20), "approved, it goes on as if nothing had been")
        finally:
            client.stop()
        self.say.output(client.log().rstrip())
        self.say.expect(self.beside("select name from customers where id = 1") == "Ada Hill\n", "the server has the new name")

    def cancelled(self):
        self.say.step("Ctrl-C", "psql cancels what takes too long.")
        self.say.command('psql -h 10.77.0.2 -U ann shop -c "select pg_sleep(60)"      ^C')
        done = self.lab.in_client("timeout", "-s", "INT", "1", "psql", "-X", "-h", self.lab.server_address, "-U", "ann", "-d", "shop",
                                  "-c", "select pg_sleep(60)")
        self.say.output(done.stderr.rstrip())
        self.say.expect("canceling statement due to user request" in done.stderr, "the server has cancelled it")

    def replicated(self):
        self.say.step("A copy of everything", "No rule can look into a base backup, so the policy does not allow one.")
        self.say.command("pg_basebackup -h 10.77.0.2 -U ann -D everything")
        done = self.lab.in_client("pg_basebackup", "-h", self.lab.server_address, "-U", "ann", "-D", os.path.join(self.lab.state, "everything"))
        self.say.output(done.stderr.rstrip())
        self.say.expect("replication is not allowed by the policy" in done.stderr, "it is refused before the server hears of it")

    def unnoticed(self):
        self.say.step("Load", "pgbench with prepared statements, four connections; it notices nothing.")
        at = ("-h", self.lab.server_address, "-U", "ann")
        self.lab.in_client("pgbench", "-i", "-q", *at, "shop")
        self.say.command("pgbench -M prepared -c 4 -T 3 -h 10.77.0.2 -U ann shop")
        done = self.lab.in_client("pgbench", "-n", "-M", "prepared", "-c", "4", "-T", "3", *at, "shop")
        self.say.output("\n".join(line for line in done.stdout.splitlines() if "processed" in line or "failed" in line or "tps" in line))
        self.say.expect("number of failed transactions: 0" in done.stdout, "no transaction failed")

    def recorded(self):
        self.say.step("The record", "Who asked what and what came back, value by value, with the secrets gone.")
        wait_until(lambda: any(one["verdict"] == "deny" for one in self.sessions()), 10, 0.2)
        self.cli("sessions", "list", limit=12)
        found = next((one for one in self.sessions() if one["verdict"] == "deny" and one["requests"] > 4), None)
        self.say.expect(found is not None and found["principal"] == "ann", "the session with the denied statement is Ann's")
        shown = self.cli("sessions", "show", found["id"], limit=48) if found else None
        self.say.expect(shown is not None and "DROP TABLE customers" in shown.stdout and "rule_denied" in shown.stdout,
                        "it tells the statement, and that it was denied")
        self.say.command("grep -r -l " + " ".join(f"-e {secret}" for secret in SECRETS[:2]) + " ... archive/")
        grep = subprocess.run(["grep", "-r", "-l", "-a", "-F", *(part for secret in SECRETS for part in ("-e", secret)),
                               self.lab.appliance.state], capture_output=True, text=True, check=False)
        self.say.expect(grep.returncode == 1, "none of the secrets lies in any file of the appliance")

    def replayed(self):
        self.say.step("Replay", "A recorded session runs again at a staging server, which has not heard of the new name.")
        known = {one["id"] for one in self.sessions()}
        self.psql("select id, name, card from customers order by id", "select count(*) from customers")
        fresh = []
        wait_until(lambda: fresh.extend(one["id"] for one in self.sessions() if one["id"] not in known) or fresh, 10, 0.2)
        self.say.expect(len(fresh) == 1, "what she asks is on the record")
        done = self.cli("replay", fresh[0], "--to", f"postgres://ann@127.0.0.1:{self.staging.port}/shop")
        self.say.expect("- Ada Hill" in done.stdout and "+ Ada Stone" in done.stdout, "the name that differs is told, with its place")
        self.say.expect("1 same, 1 different" in done.stdout, "and nothing else differs, as far as the record shows it")
        self.say.expect(not self.has_secret(done.stdout + done.stderr), "it tells no secret, though staging sends them")
