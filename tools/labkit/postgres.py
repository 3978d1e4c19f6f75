"""An unmodified PostgreSQL server with a cluster of its own, which it makes anew each time.

PostgreSQL does not run as root: it runs as the user postgres, in a folder that this one owns. Its log holds every
statement that it took.
"""

import glob
import os
import pwd
import shutil

from labkit import namespaces
from labkit.namespaces import LabError
from labkit.processes import Daemon, wait_until

USER = "postgres"
PORT = 5432


def programs():
    """The folder of the server's programs: the newest version that is installed."""
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/postgres"))
    if not found:
        raise LabError("PostgreSQL is not installed: run tools/setup lab")
    return os.path.dirname(found[-1])


class Postgres:
    def __init__(self, lab, name="postgres", staging_port=None):
        """At the server's place of the lab, or as a staging server at a port of the loopback."""
        self.lab = lab
        self.address = "127.0.0.1" if staging_port else lab.server_address
        self.port = staging_port or PORT
        self.namespace = None if staging_port else lab.server
        self.folder = f"/var/lib/{lab.name}-{name}"  # the lab's own state is closed to others
        self.data = os.path.join(self.folder, "data")
        self.daemon = Daemon(name, lab.state)

    def up(self, networks=(), **settings):
        """Listens at the server's address; whoever asks is trusted, from the client's network or one of the others."""
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(self.folder, mode=0o700)
        owner = pwd.getpwnam(USER)
        os.chown(self.folder, owner.pw_uid, owner.pw_gid)
        self._as_postgres("initdb", "-D", self.data, "-A", "trust", "-U", USER, "-N", "--locale=C.UTF-8")
        with open(os.path.join(self.data, "pg_hba.conf"), "a", encoding="utf-8") as file:
            networks = (self.lab.client_address + "/24", *networks)
            file.writelines(f"host {what} all {network} trust\n" for network in networks for what in ("all", "replication"))
        settings = {"listen_addresses": self.address, "port": self.port, "unix_socket_directories": self.folder,
                    "fsync": "off", "log_statement": "all", "log_line_prefix": "%a ", "timezone": "UTC", **settings}
        command = [*self._run_as(), os.path.join(programs(), "postgres"), "-D", self.data]
        for key, value in settings.items():
            command += ["-c", f"{key}={value}"]
        self.daemon.start(command, core=self.lab.peer_core, namespace=self.namespace)
        if not wait_until(lambda: self.daemon.pid() is None or self.direct("select 1").returncode == 0, 30, 0.2):
            raise LabError(f"PostgreSQL does not start:\n{self.daemon.log()}")

    def down(self):
        self.daemon.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def direct(self, sql, *options):
        """What psql says that reaches the server around the appliance."""
        return namespaces.run("psql", "-X", "-h", self.folder, "-p", str(self.port), "-U", USER, "-d", "postgres", *options, "-c", sql, check=False)

    @staticmethod
    def library_folder():
        """Where its loadable modules lie."""
        return os.path.join(os.path.dirname(programs()), "lib")

    def log(self):
        return self.daemon.log()

    @staticmethod
    def _run_as():
        return ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--init-groups"]

    def _as_postgres(self, program, *arguments):
        namespaces.run(*self._run_as(), os.path.join(programs(), program), *arguments)
