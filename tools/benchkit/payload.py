"""What the lab's server serves to the bench: JSON from a seed, with an e-mail address and a card number in it here and
there, so that whoever masks has something to mask."""

import json
import os
import random

from labkit import content

SEED = content.SEED
BETWEEN_BYTES = 8192
SIZES = {"1k": 1024, "64k": 64 * 1024, "1m": 1024 * 1024}
BULK, BULK_BYTES = "bulk", 64 * 1024 * 1024
DESCRIPTION = f"JSON, one card number and one e-mail address in every {BETWEEN_BYTES // 1024} KiB begun"


def people(size_bytes, seed=SEED):
    chance = random.Random(seed)
    return [content.person(chance, 1000 + number) for number in range(-(-size_bytes // BETWEEN_BYTES))]


def secrets(size):
    """What stands in the page of that name and must not reach the client where masking is on."""
    return content.secrets(people(SIZES[size]))


def text_of(size_bytes, seed=SEED):
    """Exactly so many bytes. Each stretch of BETWEEN_BYTES starts with a person, the rest is without a secret."""
    plain = content.filler(size_bytes, seed)
    parts = []
    for number, person in enumerate(people(size_bytes, seed)):
        start, line = number * BETWEEN_BYTES, json.dumps(person) + ",\n"
        parts.append(line + plain[start + len(line):start + BETWEEN_BYTES])
    return "".join(parts)


def write_site(folder):
    os.makedirs(folder, exist_ok=True)
    pages = {name: text_of(size) for name, size in SIZES.items()} | {"ping": "pong"}
    for name, text in pages.items():
        with open(os.path.join(folder, name), "w", encoding="ascii") as file:
            file.write(text)
    block = text_of(1024 * 1024)
    with open(os.path.join(folder, BULK), "w", encoding="ascii") as file:
        for _ in range(BULK_BYTES // len(block)):
            file.write(block)
