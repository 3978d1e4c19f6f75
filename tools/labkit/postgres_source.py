"""PostgreSQL's own regression scripts: from Debian's source package of the server that is installed, got once.

apt checks the signature of the archive's list, and the files by that. Nothing is unpacked but src/test/regress, and nothing of it is run
but SQL.
"""

import glob
import os
import re
import shutil
import subprocess
import tarfile
import tempfile

from labkit import postgres
from labkit.namespaces import LabError

CACHE = "/var/cache/sluice-lab/postgres-regress"
_SUITES = (("http://deb.debian.org/debian", "{0}"), ("http://deb.debian.org/debian-security", "{0}-security"),
           ("http://deb.debian.org/debian", "{0}-updates"))
_SECONDS = 120
_PART = "/src/test/regress/"


def regress_folder():
    """The folder of the scripts of the installed version, or of the newest one there is; a LabError says why there is none."""
    package = "postgresql-" + postgres.programs().split("/")[-2]
    version = _ask("dpkg-query", "-W", "-f=${source:Version}", package)
    folder = os.path.join(CACHE, version)
    if not os.path.isdir(folder):
        os.makedirs(CACHE, mode=0o755, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as place:
            _unpack(_download(place, package, version), os.path.join(place, "regress"))
            os.rename(os.path.join(place, "regress"), folder)
    return folder


def _ask(*command, cwd="/"):
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd, timeout=_SECONDS)
    except (OSError, subprocess.TimeoutExpired) as problem:
        raise LabError(str(problem)) from problem
    if done.returncode != 0:
        raise LabError(f"{' '.join(command[:2])} … {command[-1]}: {' '.join(done.stderr.split())[:300] or 'failed'}")
    return done.stdout


def _download(place, package, version):
    """The name of the archive with the sources, which apt has put into the folder."""
    with open("/etc/os-release", encoding="utf-8") as file:
        release = dict(re.findall(r'^([A-Z_]+)="?([^"\n]*)', file.read(), re.MULTILINE)).get("VERSION_CODENAME", "bookworm")
    os.makedirs(os.path.join(place, "lists", "partial"))
    with open(os.path.join(place, "sources.list"), "w", encoding="ascii") as file:
        file.writelines(f"deb-src {address} {suite.format(release)} main\n" for address, suite in _SUITES)
    options = ("-qq", "-o", f"Dir::Etc::sourcelist={place}/sources.list", "-o", "Dir::Etc::sourceparts=-",
               "-o", f"Dir::State::lists={place}/lists", "-o", "APT::Sandbox::User=root", "-o", "APT::Get::AllowUnauthenticated=false",
               "-o", "Acquire::http::Timeout=20", "-o", "Acquire::Retries=1")
    problems = []

    def is_done(*command):
        try:
            return _ask(*command, cwd=place) is not None
        except LabError as problem:
            problems.append(str(problem))
            return False

    is_done("apt-get", *options, "update")  # one of the suites may be out of reach: what matters is whether the package is found
    known = re.findall(r"^Version: (\S+)", _ask("apt-cache", *options[1:], "showsrc", package), re.MULTILINE)
    # That which is installed is not kept for ever, and what a list tells may be gone.
    for wanted in dict.fromkeys((version, *sorted(known, reverse=True))):
        if is_done("apt-get", *options, "source", "--download-only", f"{package}={wanted}"):
            break
    else:
        raise LabError("; ".join(problems))
    found = glob.glob(os.path.join(place, "*.orig.tar.*[!c]"))
    if len(found) != 1:
        raise LabError(f"apt brought {len(found)} archives of {package}'s sources")
    return found[0]


def _unpack(archive, folder):
    """Readable for the server, too, which is another user."""
    with tarfile.open(archive) as tar:
        for member in tar:
            name = member.name.partition(_PART)[2]
            if not member.isfile() or not name or ".." in name.split("/"):
                continue
            path = os.path.join(folder, name)
            os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
            with tar.extractfile(member) as source, open(path, "wb") as target:
                shutil.copyfileobj(source, target)
    os.chmod(folder, 0o755)
