#!/usr/bin/env python3
"""What PostgreSQL's own log says that it ran is what the archive says that it was asked, statement by statement."""

import re

import lab
from postgres_lab import PostgresLab, statements

LINE = re.compile(r"^(\S+)\((\d+)\) LOG:  (statement|execute [^:]*): (.*)", re.DOTALL)
DETAIL = re.compile(r"^(\S+)\((\d+)\) DETAIL:  parameters: (.*)", re.DOTALL)
VALUE = re.compile(r"\$\d+ = (?:(NULL)|'((?:[^']|'')*)')")


class RecordTest(PostgresLab):
    settings = {"log_line_prefix": "%r ", "log_parameter_max_length": "-1"}

    def logged(self):
        """{client: [(statement, values)]} as the server's log has them."""
        out = {}
        for entry in re.sub(r"\n\t", "\0", self.postgres.log()).split("\n"):
            entry = entry.replace("\0", "\n")
            if match := LINE.match(entry):
                out.setdefault(f"{match[1]}:{match[2]}", []).append((match[4], []))
            elif match := DETAIL.match(entry):
                values = [None if null else text.replace("''", "'") for null, text in VALUE.findall(match[3])]
                out[f"{match[1]}:{match[2]}"][-1][1].extend(values)
        return out

    def assert_archive_is_the_log(self, known, least):
        """Of all connections that are new: the same statements with the same values in the same order."""
        logged = {client: run for client, run in self.logged().items() if client not in known}
        self.assertGreaterEqual(sum(map(len, logged.values())), least)
        sessions = self.wait_for_sessions(len(logged), of=lambda one: one["client"] not in known)
        recorded = {one["client"]: statements(self.whole_session(one["id"])["units"]) for one in sessions}
        self.assertEqual(sorted(recorded), sorted(logged))
        for client, run in logged.items():
            self.assertEqual(recorded[client], run, client)

    def known(self):
        return {one["client"] for one in self.sessions()}

    def test_pgbench_in_every_mode(self):
        known = self.known()
        done = self.through("pgbench", "-i", "-q", "-s", "1", *self.at()[:-2], "shop")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assert_archive_is_the_log(known, 10)
        for mode in ("simple", "extended", "prepared"):
            known = self.known()
            done = self.through("pgbench", "-n", "-M", mode, "-c", "4", "-t", "25", *self.at()[:-2], "shop")
            self.assertIn("actually processed: 100/100", done.stdout, done.stderr)
            self.assert_archive_is_the_log(known, 700)

    def test_statements_of_any_form(self):
        known = self.known()
        script = ["create table forms (id int, text text)", "insert into forms values (1, 'it''s'), (2, null)",
                  "select *\n  from forms -- a comment\n where text = 'it''s'", "/* one */ select 1; select 2",
                  "prepare one (int) as select $1", "execute one (7)", "begin", "declare c cursor for select 1",
                  "fetch all from c", "commit", "values ('ünïcode ✓')", "  ", "drop table forms"]
        done = self.through("psql", "-X", *self.at(), *(part for sql in script for part in ("-c", sql)))
        self.assertEqual(done.stderr, "")
        self.assert_archive_is_the_log(known, len(script) - 1)


if __name__ == "__main__":
    lab.main()
