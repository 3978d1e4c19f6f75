"""The page that --report writes: complete in itself, nothing is fetched. Each figure stands beside its versus."""

from html import escape

from benchkit import plots
from benchkit.figures import less_is_better
from benchkit.readme import PEERS, SIZES
from benchkit.table import number, percent

STAGES = ("port", "tcp", "protocol", "inspect", "enforce", "record")
STEADY = 0.10  # a spread beyond this is marked
_TITLES = {"worker": "The whole worker", "lab": "In the lab", "tcp": "TCP", "http1": "HTTP/1", "wire": "Frames",
           "inspect": "Inspection", "record": "The record", "machine": "What the machine can do", "policy": "Policy"}
_NOTE = """Values are medians; spread is (max − min) / median, and the thin line across the end of a bar. Ratio is the figure
divided by what stands beside it; both were measured in turn in one run. Lab figures are CPU time of the whole process,
user and system, for each request; what is measured has one core, client and server share the other. What is charged to
whom, and what is not quite fair, is in <code>docs/benchmarks.md</code>."""
_STYLE = """
:root { color-scheme: light dark; --paper: #fbfbf9; --card: #fff; --ink: #1d2327; --soft: #667079; --rule: #e3e5e3;
  --ours: #0f6e84; --theirs: #b9c2c7; --good: #2c7a4b; --bad: #b4552d;
  --p0: #0f6e84; --p1: #6aa9b8; --p2: #c9a13b; --p3: #b4552d; --p4: #7d6aa8; --p5: #8a979e; }
@media (prefers-color-scheme: dark) { :root { --paper: #14181b; --card: #1b2024; --ink: #e4e7e8; --soft: #98a3aa; --rule: #2e353a;
  --ours: #4fb3c8; --theirs: #57636b; --good: #6cc08d; --bad: #e08f66;
  --p0: #4fb3c8; --p1: #2f7585; --p2: #d6b45c; --p3: #e08f66; --p4: #a694d3; --p5: #75838b; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; }
main { max-width: 960px; margin: 0 auto; padding: 40px 24px 64px; }
h1 { font-size: 28px; font-weight: 650; letter-spacing: -0.01em; margin: 0 0 4px; }
h2 { font-size: 18px; font-weight: 620; margin: 44px 0 4px; }
h3 { font-size: 14px; font-weight: 600; margin: 20px 0 6px; }
p { margin: 4px 0 12px; max-width: 76ch; color: var(--soft); }
section.card { background: var(--card); border: 1px solid var(--rule); border-radius: 10px; padding: 16px 22px 18px; margin-top: 12px; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 2px 18px; margin: 0; font-size: 14px; }
dt { color: var(--soft); } dd { margin: 0; }
svg { display: block; width: 100%; height: auto; font-size: 13px; } svg text { fill: var(--ink); }
svg .value, svg .tick { fill: var(--soft); font-variant-numeric: tabular-nums; } svg .ours-text { font-weight: 650; }
.ours { fill: var(--ours); } .theirs { fill: var(--theirs); } .whisker { stroke: var(--ink); stroke-width: 1; opacity: .55; }
.grid { stroke: var(--rule); } .one { stroke: var(--soft); stroke-dasharray: 3 3; } .stem { stroke-width: 2; opacity: .45; }
circle.good { fill: var(--good); } circle.bad { fill: var(--bad); } line.good { stroke: var(--good); } line.bad { stroke: var(--bad); }
.part0 { fill: var(--p0); } .part1 { fill: var(--p1); } .part2 { fill: var(--p2); } .part3 { fill: var(--p3); } .part4 { fill: var(--p4); }
.part5 { fill: var(--p5); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 13.5px; } th { color: var(--soft); font-weight: 500; text-align: left; }
th, td { padding: 5px 14px 5px 0; border-bottom: 1px solid var(--rule); vertical-align: baseline; } tr:last-child td { border-bottom: 0; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; } td.unit { color: var(--soft); white-space: nowrap; }
code { font: 12.5px ui-monospace, "SF Mono", Menlo, Consolas, monospace; } .unsteady { color: var(--bad); } .good { color: var(--good); }
.bad { color: var(--bad); }
"""


def is_good(row):
    return (row["ratio"] <= 1) == less_is_better(row["unit"]) or row["ratio"] == 1


def card(title, about, body):
    return f"<h2>{escape(title)}</h2><p>{about}</p><section class='card'>{body}</section>" if body else ""


def machine_card(meta):
    said = {"Commit": meta.get("commit"), "Measured": f"{meta.get('date')}, {meta.get('mode')} run of {meta.get('minutes')} minutes",
            "Machine": f"{meta.get('cores')} cores of {meta.get('processor')}, {meta.get('memory')}"
                       f"{', a virtual machine' if meta.get('hypervisor') else ''}",
            "Kernel": f"Linux {meta.get('kernel')}, {meta.get('hugepages') or 'no'} hugepages",
            "Load before": meta.get("load_before"), "Seed": meta.get("seed"), "Rules": meta.get("rules"),
            "Lab content": meta.get("lab_content")}
    lines = "".join(f"<dt>{escape(key)}</dt><dd>{escape(str(value))}</dd>" for key, value in said.items() if value is not None)
    return f"<section class='card'><dl>{lines}</dl></section>"


def peers_plots(rows):
    by_name = {row["name"]: row for row in rows}
    found = []
    for size, title in SIZES.items():
        beside = {peer: by_name[f"lab/http1/{size}/{peer}"] for peer in PEERS if f"lab/http1/{size}/{peer}" in by_name}
        if not beside:
            continue
        ours = next(iter(beside.values()))
        entries = [("Sluice, masks and records", ours["value"], ours["spread"], True)]
        entries += [(PEERS[peer], row["versus_value"], row.get("versus_spread", 0), False) for peer, row in beside.items()]
        found.append(f"<h3>{title}</h3>" + plots.bars(entries, ours["unit"], f"CPU a request at {title}"))
    return "".join(found)


def stages_plot(rows):
    by_name = {row["name"]: row["value"] for row in rows}
    whole = dict.fromkeys(name.rpartition("/")[0] for name in by_name if name.rpartition("/")[2] in STAGES)
    found = []
    for size in dict.fromkeys(name.split("/")[2] for name in whole if name.startswith("worker/http1/")):
        entries = [(name.removeprefix("worker/http1/"),
                    [(stage, by_name[f"{name}/{stage}"]) for stage in STAGES if f"{name}/{stage}" in by_name])
                   for name in whole if name.startswith("worker/http1/") and name.split("/")[2] == size]
        found.append(plots.stacked(entries, "µs/request", f"stages of the worker, {size}"))
    return "".join(found)


def ratios_plot(rows):
    entries = [(row["name"], row["versus"], row["ratio"], is_good(row)) for row in rows
               if (row.get("ratio") or 0) > 0 and not row["name"].startswith("lab/http1/")]
    return plots.ratios(entries, "ratio of each figure to what stands beside it") if entries else ""


def table(rows):
    lines = []
    for row in rows:
        beside = ratio = ""
        if "versus" in row:
            beside = f"<code>{escape(row['versus'])}</code> {number(row['versus_value'])}"
            if row["ratio"] is not None:
                ratio = f"<span class='{'good' if is_good(row) else 'bad'}'>{row['ratio']:.3g}</span>"
        unsteady = " unsteady" if row["spread"] > STEADY else ""
        lines.append(f"<tr><td><code>{escape(row['name'])}</code></td><td class='n'>{number(row['value'])}</td>"
                     f"<td class='unit'>{escape(row['unit'])}</td><td>{beside}</td><td class='n'>{ratio}</td>"
                     f"<td class='n{unsteady}'>{percent(row['spread'])}</td><td class='n'>{row['runs']}</td></tr>")
    return ("<div class='scroll'><table><tr><th>figure</th><th class='n'>value</th><th>unit</th><th>beside</th><th class='n'>ratio"
            f"</th><th class='n'>spread</th><th class='n'>runs</th></tr>{''.join(lines)}</table></div>")


def tables(rows):
    groups = {}
    for row in rows:
        groups.setdefault(row["name"].split("/")[0], []).append(row)
    return "".join(f"<h2>{escape(_TITLES.get(group, group))}</h2><section class='card'>{table(members)}</section>"
                   for group, members in sorted(groups.items()))


def page(meta, rows):
    parts = [
        "<h1>Sluice, measured</h1>", f"<p>{_NOTE}</p>", machine_card(meta),
        card("A request through each, in the lab", "CPU time of the process that carries it; shorter is better. Of the peers only "
             "nginx with regexes masks, and none records.", peers_plots(rows)),
        card("Where a worker's time goes", "µs a request by stage, between two ports in memory.", stages_plot(rows)),
        card("Beside its peer or its limit", "Ratio to what stands beside it, on a logarithmic axis; green is the better side of 1.",
             ratios_plot(rows)),
        tables(rows)]
    return ("<!doctype html><html lang='en'><head><meta charset='utf-8'><meta name='viewport' content='width=device-width'>"
            f"<title>Sluice, measured</title><style>{_STYLE}</style></head><body><main>{''.join(parts)}</main></body></html>\n")
