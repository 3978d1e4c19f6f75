"""What the lab's servers serve. Everything comes from a seed: the same bytes on every machine.

The card numbers are made up, and valid only in that they satisfy Luhn; the addresses lie in example.com.
"""

import json
import os
import random

SEED = 20771


def luhn_digit(digits):
    """The check digit that makes `digits` + it satisfy Luhn."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit)
        if place % 2 == 0:
            value = value * 2 - (9 if value > 4 else 0)
        total += value
    return str(-total % 10)


def card(chance):
    digits = "4" + "".join(chance.choice("0123456789") for _ in range(14))
    return digits + luhn_digit(digits)


def person(chance, number):
    first = chance.choice(["ada", "alan", "grace", "edsger", "barbara", "donald", "leslie", "radia", "tim", "vint"])
    last = chance.choice(["hale", "moor", "finch", "stone", "rivers", "winter", "marsh", "wells", "frost", "lane"])
    return {
        "id": number,
        "name": f"{first.title()} {last.title()}",
        "email": f"{first}.{last}{number}@example.com",
        "card": card(chance),
        "city": chance.choice(["Lisbon", "Oslo", "Graz", "Utrecht", "Gdansk", "Porto", "Aarhus"]),
    }


def customers(count=5, seed=SEED):
    chance = random.Random(seed)
    return [person(chance, 1000 + number) for number in range(count)]


def secrets(people):
    """Every string that must not get past the appliance."""
    return [value for one in people for value in (one["card"], one["email"])]


def filler(size_bytes, seed=SEED):
    """JSON-like text without a secret in it."""
    chance = random.Random(seed + size_bytes)
    rows = []
    length = 0
    while length < size_bytes:
        row = '{"order": %d, "state": "%s", "note": "%s"},\n' % (
            chance.randrange(10000), chance.choice(["open", "paid", "sent", "done"]),
            " ".join(chance.choice(["blue", "heavy", "fragile", "gift", "express", "return", "spare"]) for _ in range(8)))
        rows.append(row)
        length += len(row)
    return "".join(rows)[:size_bytes]


def write_site(folder, staging=False):
    """The files of a server. Staging differs in one customer and lacks one page, so that a replay has what to show."""
    os.makedirs(os.path.join(folder, "chunked"), exist_ok=True)
    people = customers()
    if staging:
        people[2]["city"] = "Bergen"
    pages = {
        "customers.json": json.dumps(people, indent=1) + "\n",
        "chunked/customers.json": json.dumps(people, indent=1) + "\n",
        "1k": filler(1024),
        "64k": filler(64 * 1024),
        "1m": filler(1024 * 1024),
    }
    if not staging:
        pages["invoice.json"] = json.dumps({"invoice": 4711, "total": "99.50", "bill_to": people[0]["email"]}) + "\n"
    for name, text in pages.items():
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(text)
