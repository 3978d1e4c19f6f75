"""PostgreSQL's own regression scripts, one after the other in the order of their schedule, as pg_regress runs each."""

import os
import re
import shutil
import subprocess

DATABASE = "regression"
# As pg_regress gives them to its database, and to its server; nothing works there by itself.
SETTINGS = {"lc_messages": "C", "lc_monetary": "C", "lc_numeric": "C", "lc_time": "C", "bytea_output": "hex", "timezone_abbreviations": "Default"}
SERVER = {"max_prepared_transactions": 2, "autovacuum": "off"}


class Regress:
    """A run of scripts against one new cluster. What it says depends on nothing but the scripts and the server."""

    def __init__(self, source, work, address, server):
        self.source, self.work, self.server = source, work, server
        self.environment = {"PATH": os.environ["PATH"], "PGHOST": address, "PGPORT": str(server.port), "PGUSER": "postgres",
                            "PGTZ": "America/Los_Angeles", "PGDATESTYLE": "Postgres, MDY", "PGOPTIONS": "-c intervalstyle=postgres_verbose",
                            "LC_MESSAGES": "C", "PG_ABS_SRCDIR": source, "PG_ABS_BUILDDIR": work, "PG_DLSUFFIX": ".so",
                            "PG_LIBDIR": server.library_folder()}

    def prepare(self):
        """A database as pg_regress makes it, and the folder that scripts write to: the server and psql, which are two users."""
        shutil.rmtree(self.work, ignore_errors=True)
        os.makedirs(os.path.join(self.work, "results"))
        for folder in (self.work, os.path.join(self.work, "results")):
            os.chmod(folder, 0o777)
        make = f"create database {DATABASE} template template0 encoding 'UTF8' locale 'C'"
        for sql in (make, *(f"alter database {DATABASE} set {name} to '{value}'" for name, value in SETTINGS.items())):
            done = self.server.direct(sql)
            assert done.returncode == 0, done.stderr

    def clean(self):
        shutil.rmtree(self.work, ignore_errors=True)

    def run(self, name, inside=(), seconds=120):
        """What psql says of one script. `inside` is the command that puts it at its place."""
        with open(os.path.join(self.source, "sql", name + ".sql"), "rb") as script:
            done = subprocess.run([*inside, "timeout", str(seconds), "psql", "-X", "-a", "-q", "-d", DATABASE, "-v", "HIDE_TABLEAM=on",
                                   "-v", "HIDE_TOAST_COMPRESSION=on"], stdin=script, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  env={**self.environment, "PGAPPNAME": "pg_regress/" + name}, cwd=self.work, check=False)
        return done.stdout + (b"" if done.returncode in (0, 3) else b"\nended with %d\n" % done.returncode)


def schedule(source):
    """The names of all scripts, in their order."""
    with open(os.path.join(source, "parallel_schedule"), encoding="ascii") as file:
        return [name for line in re.findall(r"^test:(.*)$", file.read(), re.MULTILINE) for name in line.split()]
