"""A bad path for a device in a namespace, made by the kernel: frames are dropped, doubled, and overtaken by later ones.

What the namespace's kernel sends is what the appliance receives; what it receives, the appliance has sent.
"""

import re

from labkit.namespaces import run

# What is put aside comes back through a slow queue.
_ASIDE = ("link add aside type ifb", "link set aside up")
_RULES = """\
table netdev impairment {{
  chain sent {{
    type filter hook egress device "{device}" priority 0
    numgen random mod 1000 < {drop} counter drop
    numgen random mod 1000 < {double} counter dup to "{device}"
    numgen random mod 1000 < {reorder} counter fwd to "aside"
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
    run("ip", "netns", "exec", namespace, "tc", "qdisc", "add", "dev", "aside", "root", "tbf", "rate", "200mbit", "burst", "70000", "latency", "20ms")
    with open(rules_file, "w", encoding="utf-8") as file:
        file.write(_RULES.format(device=device, drop=drop, double=double, reorder=reorder))
    run("ip", "netns", "exec", namespace, "nft", "-f", rules_file)


def mark(namespace, device, rules_file, marked):
    """Of 1000 frames that may be marked, so many have "experienced congestion". Replaces what was there before."""
    clear(namespace)
    with open(rules_file, "w", encoding="utf-8") as file:
        file.write(_MARKS.format(device=device, marked=marked))
    run("ip", "netns", "exec", namespace, "nft", "-f", rules_file)


def frames_harmed(namespace):
    rules = run("ip", "netns", "exec", namespace, "nft", "list", "table", "netdev", "impairment").stdout
    return sum(int(count) for count in re.findall(r"counter packets (\d+)", rules))


def clear(namespace):
    run("ip", "netns", "exec", namespace, "nft", "delete", "table", "netdev", "impairment", check=False)
    run("ip", "-n", namespace, "link", "delete", "aside", check=False)
