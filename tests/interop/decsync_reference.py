"""Apps that use the reference DecSync library, told what to do line by line: JSON in, JSON out.

    open   {"do":"open","app":ID,"directory":PATH,"collection":ID}
    set    {"do":"set","app":ID,"entries":[[PATH,KEY,VALUE],...]}
    init   {"do":"init","app":ID}                  takes what is there as known
    new    {"do":"new","app":ID}                   answers [[PATH,DATETIME,KEY,VALUE],...]
    stored {"do":"stored","app":ID,"prefix":PATH}  answers the same
    check  {"do":"check","directory":PATH}         answers the library's complaint, or null
    list   {"do":"list","directory":PATH}          answers the collections' ids
    name   {"do":"name","directory":PATH,"collection":ID}

It only passes calls on. The library talks on stdout, so the answers go to a copy of it and the talk to stderr.
"""

import json
import os
import sys

answers = os.fdopen(os.dup(1), "w", buffering=1)
os.dup2(2, 1)

from libdecsync import Decsync, DecsyncException  # noqa: E402

apps = {}
heard = {}


def open_app(order):
    name = order["app"]
    heard[name] = []

    def listen(subpath):
        def on_entry(path, datetime, key, value, extra):
            heard[name].append([subpath + path, datetime, key, value])

        return on_entry

    app = Decsync(order["directory"], "contacts", order["collection"], name)
    for subpath in (["resources"], ["info"]):
        app.add_listener(subpath, listen(subpath))
    app.init_done()
    apps[name] = app


def collect(name):
    entries, heard[name] = heard[name], []
    return entries


def carry_out(order):
    what = order["do"]
    name = order.get("app")
    if what == "open":
        return open_app(order)
    if what == "set":
        entries = [Decsync.EntryWithPath(*entry) for entry in order["entries"]]
        return apps[name].set_entries(entries)
    if what == "init":
        return apps[name].init_stored_entries()
    if what == "new":
        apps[name].execute_all_new_entries(None)
        return collect(name)
    if what == "stored":
        apps[name].execute_stored_entries_for_path_prefix(order["prefix"], None)
        return collect(name)
    if what == "check":
        try:
            return Decsync.check_decsync_info(order["directory"])
        except DecsyncException as complaint:
            return str(complaint)
    if what == "list":
        return Decsync.list_collections(order["directory"], "contacts")
    if what == "name":
        return Decsync.get_static_info(order["directory"], "contacts", order["collection"], "name")
    raise ValueError(what)


for line in sys.stdin:
    answers.write(json.dumps(carry_out(json.loads(line))) + "\n")
    answers.flush()
