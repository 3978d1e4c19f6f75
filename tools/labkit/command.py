"""tools/lab: up, down, status."""

import argparse
import sys

from labkit.lab import Lab
from labkit.namespaces import LabError

_HOW_TO_USE = """\
The lab is up.
  ask as the client      ip netns exec {client} curl -v {url}
  the CLI                {sluice} --socket {api} status      (sessions list, sessions show ID, replay ID --to 127.0.0.1:{staging})
  push another policy    edit {policy}, then {sluice} --socket {api} policy push {policy}
  logs                   {state}/*.log
  take it down           tools/lab down
"""


def how_to_use(lab):
    return _HOW_TO_USE.format(client=lab.client, url=lab.url("/customers.json"), sluice="build/control/cli/sluice",
                              api=lab.appliance.api, staging=lab.staging_port, policy=lab.policy, state=lab.state)


def main():
    parser = argparse.ArgumentParser(prog="tools/lab", description="Raises the lab, takes it down, or says how it is.")
    parser.add_argument("what", choices=["up", "down", "status"])
    what = parser.parse_args().what
    lab = Lab()
    try:
        if what == "up":
            if not (lab.is_up() and lab.is_ready()):
                lab.up()
            print(how_to_use(lab), end="")
        elif what == "down":
            lab.down()
        else:
            for name, state in lab.parts():
                print(f"{name:26} {state}")
            return 0 if lab.is_up() else 3
    except LabError as problem:
        print(f"tools/lab: {problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
