"""Records fixtures/decsync-reference: trees that the reference DecSync library wrote. See the README.md there.

    target/interop/bin/python tests/interop/record.py
"""

import os
import shutil
import sys
import time

root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "fixtures", "decsync-reference")
os.dup2(2, 1)

from libdecsync import Decsync  # noqa: E402

BOOK = "7f2518db-e928-41e6-a3f6-6ace79b9cf6d"
PHONE = "Pixel 7-DecSyncCC-01234"
DESK = "desk-Evolution-00042"


def card(uid, name, *lines):
    return "\r\n".join(["BEGIN:VCARD", "VERSION:3.0", "UID:" + uid, "FN:" + name, *lines, "END:VCARD", ""])


def app(folder, name):
    opened = Decsync(folder, "contacts", BOOK, name)
    for subpath in (["resources"], ["info"]):
        opened.add_listener(subpath, lambda path, datetime, key, value, extra: None)
    opened.init_done()
    return opened


def contact(one, uid, text):
    one.set_entry(["resources", uid], None, text)


def story(folder):
    """Two apps: adds, edits and deletions of each, each seen by the other."""
    phone, desk = app(folder, PHONE), app(folder, DESK)
    phone.set_entry(["info"], "name", "Frïends")
    contact(phone, "uid-1", card("uid-1", "Ada Example", "N:Example;Ada;;;", "TEL;TYPE=CELL:+49 170 0000001"))
    contact(phone, ".dot/ü uid", card(".dot/ü uid", "Zoë Ångström", "NOTE:a\\, b\\n\"c\" \\\\ d"))
    contact(phone, "uid-3", card("uid-3", "Gone Soon"))
    phone.execute_all_new_entries(None)
    time.sleep(1.1)
    desk.init_stored_entries()
    desk.execute_all_new_entries(None)
    contact(desk, "550e8400-e29b-41d4-a716-446655440000", card("550e8400-e29b-41d4-a716-446655440000", "王小明"))
    contact(desk, "uid-1", card("uid-1", "Ada Example", "N:Example;Ada;;;", "TEL;TYPE=CELL:+49 170 0000002"))
    time.sleep(1.1)
    phone.execute_all_new_entries(None)
    contact(phone, "uid-3", None)
    contact(phone, "uid-1", card("uid-1", "Ada Example", "N:Example;Ada;;;", "TITLE:Countess"))
    time.sleep(1.1)
    desk.execute_all_new_entries(None)
    contact(desk, ".dot/ü uid", None)
    return phone, desk


def fresh(name, version):
    folder = os.path.normpath(os.path.join(root, name))
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    if version == 1:
        # The library makes version 2; at version 1 it stays where it finds it, until every app can leave.
        with open(os.path.join(folder, ".decsync-info"), "w") as info:
            info.write('{"version":1}')
    return folder


story(fresh("v2", 2))

# In version 1 an app moves on the first time it looks for new entries, so the first tree has only what is set.
folder = fresh("v1", 1)
phone, desk = app(folder, PHONE), app(folder, DESK)
phone.set_entry(["info"], "name", "Frïends")
contact(phone, "uid-1", card("uid-1", "Ada Example", "N:Example;Ada;;;", "TEL;TYPE=CELL:+49 170 0000001"))
contact(phone, ".dot/ü uid", card(".dot/ü uid", "Zoë Ångström", "NOTE:a\\, b\\n\"c\" \\\\ d"))
contact(phone, "uid-3", card("uid-3", "Gone Soon"))
time.sleep(1.1)
desk.init_stored_entries()
contact(desk, "550e8400-e29b-41d4-a716-446655440000", card("550e8400-e29b-41d4-a716-446655440000", "王小明"))
contact(desk, "uid-1", card("uid-1", "Ada Example", "N:Example;Ada;;;", "TEL;TYPE=CELL:+49 170 0000002"))
time.sleep(1.1)
contact(phone, "uid-3", None)

# The same, after the phone moved to version 2 and the other computer has not yet.
after = fresh("v1-phone-moved", 2)
shutil.copytree(folder, after, dirs_exist_ok=True)
phone = app(after, PHONE)
phone.execute_all_new_entries(None)
time.sleep(1.1)
contact(phone, "uid-4", card("uid-4", "Bo Later"))
print("recorded", file=sys.stderr)
