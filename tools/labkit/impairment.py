"""A bad path for a device in a namespace, made by the kernel: frames are dropped, doubled, and overtaken by later ones.

What the namespace's kernel sends is what the appliance receives; what it receives, the appliance has sent.
"""

import json
import re

from labkit.namespaces import run

# What is put aside comes back through a slow queue.
_ASIDE = ("link add aside type ifb", "link set aside up")
_QUEUE = ("tbf", "rate", "200mbit", "burst", "70000", "latency", "20ms")
# Takes `{reorder}` of 1000 frames: a random word, modulo 1000, below that number (classic BPF).
_CLASSIFIER = "5,32 0 0 4294963256,148 0 0 1000,53 1 0 {reorder},6 0 0 4294967295,6 0 0 0"
_RULES = """\
table netdev impairment {{
  chain sent {{
    type filter hook egress device "{device}" priority 0
    numgen random mod 1000 < {drop} counter drop
    numgen random mod 1000 < {double} counter dup to "{device}"
  }}
  chain received {{
    type filter hook ingress device "{device}" priority 0
    ip protocol tcp numgen random mod 1000 < {drop} counter drop
  }}
}}
"""
_MARKS = """\
table netdev impairment {{
  chain sent {{
    type filter hook egress device "{device}" priority 0
    ip ecn ect0 numgen random mod 1000 < {marked} counter ip ecn set ce
  }}
  chain received {{
    type filter hook ingress device "{device}" priority 0
    ip ecn ect0 numgen random mod 1000 < {marked} counter ip ecn set ce
  }}
}}
"""


def impair(namespace, device, rules_file, drop, double, reorder):
    """Of 1000 frames, how many. Replaces what was there before."""
    clear(namespace)
    for step in _ASIDE:
        run("ip", "-n", namespace, *step.split())
    _tc(namespace, "qdisc", "add", "dev", "aside", "root", *_QUEUE)
    _tc(namespace, "qdisc", "add", "dev", device, "clsact")
    _tc(namespace, "filter", "add", "dev", device, "egress", "bpf", "bytecode", _CLASSIFIER.format(reorder=reorder),
        "action", "mirred", "egress", "redirect", "dev", "aside")
    with open(rules_file, "w", encoding="utf-8") as file:
        file.write(_RULES.format(device=device, drop=drop, double=double))
    run("ip", "netns", "exec", namespace, "nft", "-f", rules_file)


def mark(namespace, device, rules_file, marked):
    """Of 1000 frames that may be marked, so many have "experienced congestion". Replaces what was there before."""
    clear(namespace)
    with open(rules_file, "w", encoding="utf-8") as file:
        file.write(_MARKS.format(device=device, marked=marked))
    run("ip", "netns", "exec", namespace, "nft", "-f", rules_file)


def frames_harmed(namespace):
    rules = run("ip", "netns", "exec", namespace, "nft", "list", "table", "netdev", "impairment").stdout
    harmed = sum(int(count) for count in re.findall(r"counter packets (\d+)", rules))
    for device in _classified(namespace):
        filters = json.loads(_tc(namespace, "-s", "-j", "filter", "show", "dev", device, "egress").stdout)
        harmed += sum(action["stats"]["packets"] for one in filters for action in one.get("options", {}).get("actions", ()))
    return harmed


def clear(namespace):
    run("ip", "netns", "exec", namespace, "nft", "delete", "table", "netdev", "impairment", check=False)
    for device in _classified(namespace):
        _tc(namespace, "qdisc", "delete", "dev", device, "clsact")
    run("ip", "-n", namespace, "link", "delete", "aside", check=False)


def _classified(namespace):
    """Devices whose frames meet a classifier."""
    return {one["dev"] for one in json.loads(_tc(namespace, "-j", "qdisc", "show").stdout) if one["kind"] == "clsact"}


def _tc(namespace, *arguments):
    return run("ip", "netns", "exec", namespace, "tc", *arguments)
