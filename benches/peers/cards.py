"""Invented people as vCards, and what the probes read back of a card.

Must not know any of the compared programs. The reader here is deliberately small: unfold, split, look at a property's
values; it judges what the programs made of a card and is not meant for anything else.
"""

import base64
import random
import re

GIVEN = ["Ada", "Bo", "Carla", "Deniz", "Elif", "Farid", "Greta", "Hugo", "Ines", "Jonas"]


def card(uid, family, given, *lines):
    """A vCard 3.0 of a person, with further content lines."""
    text = ["BEGIN:VCARD", "VERSION:3.0", f"UID:{uid}", f"FN:{given} {family}", f"N:{family};{given};;;", *lines, "END:VCARD"]
    return "".join(fold(line) for line in text).encode()


def numbered(number, version=0):
    """A card of about 330 bytes, the same as in benches/budgets.rs; `version` changes a telephone number."""
    return card(
        f"bench-{number:06}-0000-4000-8000-000000000000", "Example", f"Person {number}",
        f"TEL;TYPE=CELL:+49 170 {number:07}",
        f"TEL;TYPE=HOME:+49 30 {version:03}{number:06}",
        f"EMAIL;TYPE=HOME:person{number}@example.org",
        f"ORG:Example Company {number % 97};Department",
        "TITLE:Tester",
        f"ADR;TYPE=HOME:;;Example Street {number};Example City;;{number % 99999:05};Example Country",
        "NOTE:Invented for a benchmark",
    )  # fmt: skip


def photo_bytes(size=60_000):
    """Bytes that look like a photo to nobody but differ everywhere; the same in every run."""
    return b"\xff\xd8\xff\xe0" + random.Random(7).randbytes(size)


def photo_line(data):
    return "PHOTO;ENCODING=b;TYPE=JPEG:" + base64.b64encode(data).decode()


def fold(line):
    """RFC 2426: lines of at most 75 bytes; the text here is ASCII."""
    pieces = [line[:75]] + [" " + line[at : at + 74] for at in range(75, len(line), 74)]
    return "\r\n".join(pieces) + "\r\n"


def is_whole(data):
    """Whether the bytes are one complete card and not the beginning of one."""
    text = data.strip()
    return text.startswith(b"BEGIN:VCARD") and text.endswith(b"END:VCARD")


def content_lines(data):
    """(group, property name, parameters, value) of each content line, unfolded."""
    text = re.sub(r"\r?\n[ \t]", "", data.decode("utf-8", "replace"))
    found = []
    for line in text.splitlines():
        head, colon, value = line.partition(":")
        if colon:
            name, *parameters = head.split(";")
            group, dot, last = name.rpartition(".")
            found.append((group.lower() if dot else "", last.upper(), parameters, value))
    return found


def values(data, name):
    """All values of a property that are not empty."""
    return [value for _, found, _, value in content_lines(data) if found == name and value.strip(";")]


def full_name(data):
    return (values(data, "FN") or [""])[0]


def labelled(data, name):
    """The values of property `name` that carry a label of their own (`item1.X-ABLabel`), as {value: label}."""
    lines = content_lines(data)
    labels = {group: value for group, found, _, value in lines if found == "X-ABLABEL" and group}
    return {value: labels[group] for group, found, _, value in lines if found == name and group in labels}


def photos(data):
    """The decoded photos of a card; one that cannot be decoded is given as None."""
    decoded = []
    for value in values(data, "PHOTO"):
        text = value.partition("base64,")[2] or value
        try:
            decoded.append(base64.b64decode(text, validate=True))
        except ValueError:
            decoded.append(None)
    return decoded


def with_line(data, line):
    """The card with one more content line at its end."""
    return data.replace(b"END:VCARD", fold(line).encode() + b"END:VCARD")


def with_text(data, before, after):
    """The card with a text replaced; the text must be there, or the probe would prove nothing."""
    if before.encode() not in data:
        raise LookupError(f"the card has no “{before}” to be edited")
    return data.replace(before.encode(), after.encode())
