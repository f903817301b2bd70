"""The behaviour probes: each plays one story with one program and judges it by the files, exit codes and words it left.

Must not know how a program works, nor take a verdict from anywhere but what was observed. A story begins in a fresh
folder; side `a` is the phone's where a program has such a thing, side `b` the PC's.
"""

import os
import time
from collections import Counter
from dataclasses import dataclass

import cards
import process

GOOD, FAIR, BAD, NOT_RUN = "✔", "~", "✘", "—"


@dataclass
class Verdict:
    mark: str
    words: str

    def __str__(self):
        return f"{self.mark} {self.words}"


def many(count):
    return {f"card-{number:05}": cards.numbered(number) for number in range(count)}


def ended(run):
    return "it ran over its time" if run.exit is None else f"exit {run.exit}"


def names(program, side):
    return Counter(cards.full_name(data) for data in program.held(side))


def one(program, side, name):
    """The card of a person on a side; None if there is none, and the first if there are several."""
    return next((data for data in program.held(side) if cards.full_name(data) == name), None)


def essence(data):
    """What a person would compare of two cards."""
    return {name: sorted(cards.values(data, name)) for name in ("FN", "TEL", "EMAIL", "TITLE", "NOTE")}


def equal_sides(program):
    both = [sorted(map(repr, map(essence, program.held(side)))) for side in "ab"]
    return both[0] == both[1]


def settle(program, times=1):
    """Syncs; afterwards the clock stands in another second, for programs that look at dates in seconds."""
    run = None
    for _ in range(times):
        run = program.sync()
        time.sleep(1.1)
    return run


def same_person(program):
    """Ann Lee on both sides, with the same name and number, another UID and a field of her own on each."""
    program.put("a", {"ann-a": cards.card("uid-a", "Lee", "Ann", "TEL;TYPE=CELL:+49 170 5550100", "EMAIL:ann@example.org")})
    program.put("b", {"ann-b": cards.card("uid-b", "Lee", "Ann", "TEL;TYPE=CELL:+49 170 5550100", "TITLE:Captain")})
    run = settle(program, 2)
    counts = [len(program.held(side)) for side in "ab"]
    if counts == [1, 1]:
        both = [program.held(side)[0] for side in "ab"]
        if all(cards.values(data, "EMAIL") and cards.values(data, "TITLE") for data in both):
            return Verdict(GOOD, "joined, both fields on both sides")
        fault = "lost a field" if equal_sides(program) else "stay different"
        return Verdict(BAD, f"joined, but the sides {fault} ({ended(run)})")
    return Verdict(FAIR if counts == [2, 2] else BAD, f"{counts[0]} and {counts[1]} copies ({ended(run)})")


def namesakes(program):
    """Two people of one name with different numbers, one on each side: nothing may be joined or lost."""
    program.put("a", {"ann-a": cards.card("uid-a", "Lee", "Ann", "TEL;TYPE=CELL:+49 170 5550100")})
    program.put("b", {"ann-b": cards.card("uid-b", "Lee", "Ann", "TEL;TYPE=CELL:+49 170 5550199")})
    run = settle(program, 2)
    wanted = [["+49 170 5550100"], ["+49 170 5550199"]]
    held = [sorted(cards.values(data, "TEL") for data in program.held(side)) for side in "ab"]
    if held == [wanted, wanted]:
        return Verdict(GOOD, "both people on both sides")
    counts = [len(side) for side in held]
    if counts == [1, 1] and held[0] != held[1]:
        return Verdict(BAD, f"taken for one, and the sides stay different ({ended(run)})")
    return Verdict(BAD, f"{counts[0]} and {counts[1]} cards, {held[0]} and {held[1]} ({ended(run)})")


BASE_LINES = (
    "item1.TEL:+49 30 5550111", "item1.X-ABLabel:Boat", "TEL;TYPE=CELL:+49 170 5550100", "X-TB-SHOE-SIZE:38", "NOTE:Likes tea",
)  # fmt: skip


def disjoint_edits(program):
    """A number changed on one side and an e-mail added on the other; an unknown property and a label beside them."""
    program.put("a", {"ann": cards.card("uid-ann", "Lee", "Ann", *BASE_LINES)})
    settle(program, 2)
    program.edit("a", "Ann Lee", lambda data: cards.with_text(data, "+49 170 5550100", "+49 170 5550200"))
    program.edit("b", "Ann Lee", lambda data: cards.with_line(data, "EMAIL;TYPE=HOME:ann@example.org"))
    run = settle(program)
    both = [one(program, side, "Ann Lee") for side in "ab"]
    numbers = [sorted(cards.values(data, "TEL")) for data in both]
    mails = [cards.values(data, "EMAIL") for data in both]
    wanted = ["+49 170 5550200", "+49 30 5550111"]
    if mails[0] == [] and numbers[1] == ["+49 170 5550100", "+49 30 5550111"]:
        told = program.told(run)
        return Verdict(FAIR if told else BAD, f"{'conflict' if told else 'not told'}, neither edit crossed ({ended(run)})")
    wrong = []
    if any(side != wanted for side in numbers):
        stale = any("+49 170 5550100" in side for side in numbers)
        wrong.append("the old number is back" if stale else f"numbers {numbers[0]} and {numbers[1]}")
    if any(side != ["ann@example.org"] for side in mails):
        wrong.append("the e-mail is not on both sides")
    if any(not cards.values(data, "X-TB-SHOE-SIZE") for data in both):
        wrong.append("an unknown property is lost")
    if any(cards.labelled(data, "TEL") != {"+49 30 5550111": "Boat"} for data in both):
        wrong.append("the label is lost or elsewhere")
    if wrong:
        return Verdict(BAD, f"merged, but {', '.join(wrong)} ({ended(run)})")
    return Verdict(GOOD, f"merged on both sides, label and unknown property kept ({ended(run)})")


def clash(program):
    """The same field edited on both sides, while another contact is edited on one: nothing lost, told, the rest goes on."""
    program.put("a", {
        "ann": cards.card("uid-ann", "Lee", "Ann", "TITLE:Sailor"),
        "bo": cards.card("uid-bo", "Berg", "Bo", "TITLE:Cook"),
    })  # fmt: skip
    settle(program, 2)
    program.edit("a", "Ann Lee", lambda data: cards.with_text(data, "TITLE:Sailor", "TITLE:Captain"))
    program.edit("b", "Ann Lee", lambda data: cards.with_text(data, "TITLE:Sailor", "TITLE:Pilot"))
    program.edit("a", "Bo Berg", lambda data: cards.with_text(data, "TITLE:Cook", "TITLE:Mate"))
    run = settle(program)
    anns = [[data for data in program.held(side) if cards.full_name(data) == "Ann Lee"] for side in "ab"]
    flat = [sorted(title for data in side for title in cards.values(data, "TITLE")) for side in anns]
    rest = "the rest went on" if cards.values(one(program, "b", "Bo Berg"), "TITLE") == ["Mate"] else "the rest stood still"
    told = program.told(run)
    if flat == [["Captain"], ["Pilot"]]:
        good = told and rest == "the rest went on"
        return Verdict(GOOD if good else BAD, f"kept apart, {'told' if told else 'not told'}, {rest} ({ended(run)})")
    if flat[0] == flat[1] == ["Captain", "Pilot"]:
        return Verdict(FAIR, f"both values on both sides, {rest} ({ended(run)})")
    kept = {title for side in flat for title in side}
    lost = sorted({"Captain", "Pilot"} - kept)
    return Verdict(BAD, f"{' and '.join(lost) or 'order'} lost, {'told' if told else 'not told'}, {rest} ({ended(run)})")


def _deleted(program, total, deleted):
    program.put("a", many(total))
    first = settle(program, 2)
    if len(program.held("b")) != total:
        return Verdict(NOT_RUN, f"the first sync brought {len(program.held('b'))} of {total} ({ended(first)})")
    program.remove("a", [f"Person {number} Example" for number in range(deleted)])
    run = settle(program)
    left = [len(program.held(side)) for side in "ab"]
    if left == [total - deleted, total]:
        return Verdict(GOOD if run.exit != 0 else FAIR, f"stopped, nothing deleted ({ended(run)})")
    if left[1] == total - deleted:
        return Verdict(BAD, f"{deleted} deleted on the other side without a question ({ended(run)})")
    return Verdict(BAD, f"{left[0]} and {left[1]} left ({ended(run)})")


def most_deleted(program):
    """999 of 1000 contacts deleted on one side."""
    return _deleted(program, 1000, 999)


def all_deleted(program):
    """1000 of 1000 contacts deleted on one side."""
    return _deleted(program, 1000, 1000)


def killed(program):
    """kill -9 in the middle of a first sync; then one contact that had arrived is edited where it came from; sync again."""
    total, arrived = 2000, 0
    for part in (3, 6, 12, 24, 48):
        program.begin(program.folder)
        program.put("b", many(total))
        enough = total // part
        was_killed = process.run_until(
            program.command(), program.environment, lambda: len(os.listdir(program.folder / "a")) >= enough
        )
        arrived = len([data for data in program.held("a") if cards.is_whole(data)])
        if was_killed and 0 < arrived < total:
            break
    else:
        return Verdict(NOT_RUN, f"it could not be killed in the middle ({arrived} of {total} had arrived)")
    torn = len(program.held("a")) - arrived
    time.sleep(1.1)
    name = sorted(cards.full_name(data) for data in program.held("a") if cards.is_whole(data))[0]
    program.edit("b", name, lambda data: cards.with_text(data, "TITLE:Tester", "TITLE:Captain"))
    run = settle(program)
    counts = [names(program, side) for side in "ab"]
    titles = [cards.values(one(program, side, name), "TITLE") for side in "ab"]
    words, good = [f"killed at {arrived}"], True
    if torn:
        words.append(f"{torn} torn file under a contact's name until the rerun")
    doubled = sum(count - 1 for side in counts for count in side.values())
    if titles != [["Captain"], ["Captain"]]:
        conflict = program.told_conflict(run)
        words.append("false conflict" if conflict else f"the edit did not arrive ({titles[0]}, {titles[1]})")
        good = False
    if doubled:
        words.append(f"{doubled} duplicates")
        good = False
    if [len(side) for side in counts] != [total, total]:
        words.append(f"{len(counts[0])} and {len(counts[1])} of {total} people")
        good = False
    left = len(program.left_over())
    words.append(f"{left} temporary files left" if left else "no temporary files")
    if good:
        words.insert(1, "the rerun brought all and the edit")
    mark = BAD if not good else FAIR if left or torn or run.exit != 0 else GOOD
    return Verdict(mark, f"{', '.join(words)} ({ended(run)})")


def one_uid_twice(program):
    """Two different people share a UID on one side: both must be kept, the other side must come to rest, and it is told."""
    program.put("a", {
        "ann": cards.card("uid-shared", "Lee", "Ann", "TEL:+49 170 5550100"),
        "zoe": cards.card("uid-shared", "Park", "Zoe", "TEL:+49 170 5550300"),
        "bo": cards.card("uid-bo", "Berg", "Bo", "TITLE:Cook"),
    })  # fmt: skip
    first = settle(program)
    run = settle(program)
    seen = []
    for _ in range(3):
        settle(program)
        seen.append(program.snapshot())
    quiet = seen[0] == seen[1] == seen[2]
    held = [set(names(program, side)) for side in "ab"]
    everyone = {"Ann Lee", "Zoe Park", "Bo Berg"}
    rest = "quiet after it" if quiet else "changes something in every run"
    if held == [everyone, everyone]:
        named = ", named" if first.said("Ann Lee") and first.said("same UID") else ""
        return Verdict(GOOD if quiet else BAD, f"both kept on both sides{named}, {rest} ({ended(run)})")
    if held[0] == everyone:
        missing = ", ".join(sorted(everyone - held[1]))
        told = run.exit != 0
        named = run.said("Ann Lee", "Zoe Park", "ann.vcf", "zoe.vcf")
        how = "told by name" if named else "told without a name" if told else "not told"
        return Verdict(FAIR if told and quiet and held[1] else BAD, f"does not bring {missing}; {how}, {rest} ({ended(run)})")
    return Verdict(BAD, f"lost {', '.join(sorted(everyone - held[0]))}, {rest} ({ended(run)})")


def second_run(program):
    """51 contacts on one side and 10 on the other: does the session after the first write anything?"""
    program.put("a", many(50))
    others = [cards.card(f"other-{number}", "Roe", given) for number, given in enumerate(cards.GIVEN)]
    program.put("b", {f"other-{number}": data for number, data in enumerate(others)})
    program.put("a", {"photo": cards.card("uid-photo", "Lee", "Ann", *BASE_LINES, cards.photo_line(cards.photo_bytes()))})
    first = settle(program)
    before = program.snapshot()
    run = settle(program)
    after = program.snapshot()
    changed = [path for path in {*before, *after} if before.get(path) != after.get(path)]
    same = "the sides are equal" if equal_sides(program) else "though the sides differ"
    if changed:
        return Verdict(BAD, f"no: {len(changed)} files written ({ended(run)})")
    good = run.exit == 0 and same == "the sides are equal"
    return Verdict(GOOD if good else BAD, f"yes, {same} ({ended(first)}, then {ended(run)})")


def delete_against_edit(program):
    """Deleted on one side, edited on the other: the edit must not be lost."""
    program.put("a", {"ann": cards.card("uid-ann", "Lee", "Ann", "TITLE:Sailor"), "bo": cards.card("uid-bo", "Berg", "Bo")})
    settle(program, 2)
    program.remove("a", ["Ann Lee"])
    program.edit("b", "Ann Lee", lambda data: cards.with_text(data, "TITLE:Sailor", "TITLE:Captain"))
    run = settle(program)
    held = [one(program, side, "Ann Lee") for side in "ab"]
    titles = [data and cards.values(data, "TITLE") for data in held]
    if titles == [["Captain"], ["Captain"]]:
        return Verdict(GOOD, f"the edit survives on both sides ({ended(run)})")
    if titles == [None, ["Captain"]]:
        told = program.told(run)
        return Verdict(FAIR if told else BAD, f"kept where it was edited, {'told' if told else 'not told'} ({ended(run)})")
    return Verdict(BAD, f"the edit is lost ({ended(run)})" if not held[1] else f"{titles[0]} and {titles[1]} ({ended(run)})")


def photo(program):
    """A photo of 60 kB goes over, the other side edits the title, and the edit comes back."""
    data = cards.photo_bytes()
    program.put("a", {"ann": cards.card("uid-ann", "Lee", "Ann", "TITLE:Sailor", cards.photo_line(data))})
    settle(program, 2)
    there = one(program, "b", "Ann Lee")
    if not there:
        return Verdict(BAD, "the contact did not arrive")
    if cards.photos(there) != [data]:
        return Verdict(BAD, "lost on the way" if not cards.photos(there) else "changed on the way")
    program.edit("b", "Ann Lee", lambda card: cards.with_text(card, "TITLE:Sailor", "TITLE:Captain"))
    run = settle(program)
    back = one(program, "a", "Ann Lee")
    kept = cards.photos(back) == [data]
    came = cards.values(back, "TITLE") == ["Captain"]
    words = "every byte kept there and back" if kept else "lost or changed on the way back"
    words += "" if came else ", the edit did not come back"
    return Verdict(GOOD if kept and came else BAD, f"{words} ({ended(run)})")


def _hostile(program, broken):
    """Puts one bad card among 20 good ones: (how many good ones arrived, its fate, whether it was named, the run)."""
    program.put("a", {**many(20), "a-broken": broken})
    run = settle(program)
    arrived = sum(1 for data in program.held("b") if cards.full_name(data).startswith("Person"))
    if broken not in program.held("a"):
        fate = "changed where it was"
    else:
        fate = "copied as it is" if broken in program.held("b") else "left where it is"
    return arrived, fate, run.said("a-broken", "broken-1"), run


def torn_card(program):
    """A card that ends in its middle: the good ones must arrive, and it is named or copied as it is."""
    broken = b"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:broken-1\r\nFN:Torn Card\r\nTEL:+49 170 55"
    arrived, fate, named, run = _hostile(program, broken)
    words = fate if fate == "copied as it is" else f"{fate}, {'named' if named else 'not named'}"
    mark = BAD if arrived < 20 or fate == "changed where it was" else FAIR if words.endswith("not named") else GOOD
    return Verdict(mark, f"{arrived} of 20 good ones arrived; the torn one {words} ({ended(run)})")


def other_encoding(program):
    """A card in Latin-1, as old phones write it: the good ones must arrive, and its letters must not be destroyed."""
    broken = cards.card("broken-1", "Müller", "Jörg").decode().encode("latin-1")
    arrived, fate, named, run = _hostile(program, broken)
    everyone = program.held("b")
    read = [data for data in everyone if "Jörg Müller".encode() in data]
    if broken in everyone:
        words, mark = "copied as it is", GOOD
    elif read:
        words, mark = "arrived with its letters", GOOD
    elif any(b"rg M" in data for data in everyone):
        words, mark = "arrived with its letters destroyed", BAD
    else:
        words, mark = f"{fate}, {'named' if named else 'not named'}", FAIR if named else BAD
    return Verdict(mark if arrived == 20 else BAD, f"{arrived} of 20 good ones arrived; the other {words} ({ended(run)})")


#: What the table calls each story, in the order of the table.
PROBES = [
    ("same person, another UID, first sync", same_person),
    ("two people of one name, first sync", namesakes),
    ("different fields edited on the two sides", disjoint_edits),
    ("the same field edited on both sides", clash),
    ("999 of 1000 deleted", most_deleted),
    ("1000 of 1000 deleted", all_deleted),
    ("kill -9 in the first sync, an edit, rerun", killed),
    ("two cards with one UID on one side", one_uid_twice),
    ("is the second run empty", second_run),
    ("deleted here, edited there", delete_against_edit),
    ("a photo, there and back", photo),
    ("a card torn in its middle among good ones", torn_card),
    ("a card in Latin-1 among good ones", other_encoding),
]


def probe(program, story, folder):
    """Plays one story; what keeps it from being played stands in its cell."""
    try:
        program.begin(folder)
        return story(program)
    except Exception as error:  # A cell says what stood in the way; the other cells go on.
        words = " ".join(str(error).split())
        return Verdict(NOT_RUN, f"could not be run: {type(error).__name__}: {words[:160]}")
