#!/usr/bin/env python3
"""Connections to PostgreSQL that are odd: silent ones, such as end in a half packet, and replication by policy."""

import os
import shutil
import struct
import tempfile

import lab
from labkit.processes import Daemon, wait_until
from postgres_lab import CARD, POLICY, STARRED, PostgresLab

SILENT = 60
STARTUP = struct.pack("!II", 4 + 4 + len(b"user\0ann\0database\0shop\0\0"), 3 << 16) + b"user\0ann\0database\0shop\0\0"


class ConnectionsTest(PostgresLab):
    settings = {"wal_level": "logical", "max_wal_senders": "10", "log_replication_commands": "on"}

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="sluice-replica")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def psql(self, sql, *options):
        return self.through("psql", "-X", *self.at(), *options, "-c", sql)

    def push(self, policy):
        self.lab.write_policy(policy)
        self.lab.appliance.push(self.lab.policy)

    def replication(self, how="database"):
        return f"host={self.lab.server_address} user=ann dbname=shop replication={how}"

    def test_half_a_startup_packet_and_silence_block_nobody(self):
        clients = []
        for i in range(SILENT):
            clients.append(self.connect(5432))
            self.addCleanup(clients[-1].close)
            clients[-1].sendall(STARTUP[:i % (len(STARTUP) - 1)])
        done = self.psql("select 'served'")
        self.assertIn("served", done.stdout, done.stderr)
        for i, client in enumerate(clients[1::7]):
            client.sendall(STARTUP[(1 + 7 * i) % (len(STARTUP) - 1):])
            self.assertEqual(client.recv(1), b"R", "each can go on where it stopped")

    def test_replication_is_denied_by_default(self):
        self.push(POLICY)
        before = self.postgres.log().count("IDENTIFY_SYSTEM")
        done = self.through("psql", "-X", "-d", self.replication(), "-c", "IDENTIFY_SYSTEM")
        self.assertEqual(done.returncode, 2)
        self.assertIn("FATAL:  refused by the gateway: replication is not allowed by the policy of this service", done.stderr)
        done = self.through("pg_basebackup", *self.at()[:-2], "-D", os.path.join(self.folder, "backup"))
        self.assertIn("replication is not allowed by the policy", done.stderr)
        self.assertEqual(self.postgres.log().count("IDENTIFY_SYSTEM"), before)
        denied = [one for one in self.wait_for_sessions(2, of=lambda one: one["verdict"] == "deny")]
        self.assertEqual({one["principal"] for one in denied}, {"ann"})
        shown = self.lab.appliance.cli("sessions", "show", denied[0]["id"]).stdout
        self.assertIn("STARTUP replication", shown)
        self.assertIn("postgres_replication_denied", shown)

    def test_a_base_backup_passes_where_replication_does(self):
        self.push(POLICY.replace("mode: enforce", "mode: enforce\n    replication: pass"))
        self.direct("create table if not exists backed as select i, md5(i::text) || ' card ' || '%s' from "
                    "generate_series(1, 20000) i" % CARD)
        asked = "IDENTIFY_SYSTEM"
        through, beside = self.both("psql", "-X", "-A", "-t", "-d", self.replication("true"), "-c", asked)
        self.assertEqual(through.stderr + beside.stderr, "")
        self.assertEqual(through.stdout.split("|")[:2], beside.stdout.split("|")[:2])
        self.assertIn("IDENTIFY_SYSTEM", self.postgres.log())
        for stream in ("fetch", "stream"):
            backup = os.path.join(self.folder, stream)
            done = self.through("pg_basebackup", *self.at()[:-2], "-D", backup, "-X", stream, "-c", "fast")
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            # It checks the checksum of every file against those that the server sent.
            checked = self.through("/usr/lib/postgresql/15/bin/pg_verifybackup", "-q", backup)
            self.assertEqual((checked.returncode, checked.stderr), (0, ""))
        self.assert_nowhere_on_disk([CARD])

    def test_logical_decoding_passes_and_sql_beside_it_is_masked(self):
        self.push(POLICY.replace("mode: enforce", "mode: enforce\n    replication: pass"))
        self.direct("create table if not exists decoded (id int, text text)")
        tool = ("/usr/lib/postgresql/15/bin/pg_recvlogical", "-S", "slot", *self.at())
        done = self.through(*tool, "--create-slot", "-P", "test_decoding")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        out = os.path.join(self.folder, "decoded")
        receiver = Daemon("receiver", self.folder)
        receiver.start([*tool, "--start", "-f", out, "--fsync-interval=0"], namespace=self.lab.client)
        self.addCleanup(receiver.stop)
        self.direct("insert into decoded select i, '%s' from generate_series(1, 3000) i" % CARD)
        self.assertTrue(wait_until(lambda: os.path.exists(out) and open(out, encoding="utf-8").read().count("COMMIT") >= 1, 20, 0.1),
                        receiver.log())
        receiver.stop()
        with open(out, encoding="utf-8") as file:
            self.assertEqual(file.read().count(CARD), 3000, "whoever may replicate gets everything")
        done = self.through("psql", "-X", "-A", "-t", "-d", self.replication(), "-c", "select text from decoded limit 1",
                            "-c", "copy (select text from decoded limit 1) to stdout")
        self.assertEqual(done.stdout, STARRED + "\n" + STARRED + "\n", done.stderr)
        done = self.through(*tool, "--drop-slot")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assert_nowhere_on_disk([CARD])


if __name__ == "__main__":
    lab.main()
