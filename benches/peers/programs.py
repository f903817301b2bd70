"""The compared programs: how each is set up in a fresh folder, started, and what its two sides hold.

Each is set up as its own documentation says for two local collections of vCards, with nothing that slows it down. Must
not judge anything. Side `a` is a folder of cards for every program; side `b` is a folder, too, except for Tetherbook,
whose other side is the book of the PC.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

import cards
import process


class Program:
    """A program that keeps two folders of vCards the same."""

    name = ""
    #: What a message about two versions of one thing contains, small and capital letters aside.
    conflict_pattern = r"conflict"

    def __init__(self, tools, is_quiet=False):
        self.tools = tools
        self.is_quiet = is_quiet
        self.folder = None
        self.environment = {}

    def version(self):
        raise NotImplementedError

    def configure(self):
        """Writes the configuration for the two sides."""

    def command(self):
        """The command that a person gives to sync."""
        raise NotImplementedError

    def quiet(self, *words):
        """The words that make it say as little as it can, if that is wanted: where its time is measured."""
        return words if self.is_quiet else ()

    def is_item(self, name):
        """Whether a file of a side is a contact of this program and no left-over."""
        return name.endswith(".vcf")

    # What is the same for all.

    def begin(self, folder):
        """Two empty sides and no memory, in a new folder with a home directory of its own."""
        self.folder = Path(folder)
        shutil.rmtree(self.folder, ignore_errors=True)
        for part in ("a", "b", "home", "state", "tmp"):
            (self.folder / part).mkdir(parents=True)
        home = str(self.folder / "home")
        self.environment = {
            "PATH": os.environ["PATH"], "HOME": home, "TMPDIR": str(self.folder / "tmp"), "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8",
            "XDG_CONFIG_HOME": f"{home}/.config", "XDG_DATA_HOME": f"{home}/.local/share", "XDG_CACHE_HOME": f"{home}/.cache",
        }  # fmt: skip
        self.configure()

    @property
    def cards_folder(self):
        """Where the cards of side `a` lie."""
        return self.folder / "a"

    def forget(self):
        """Takes away all memory and side `b`, so that the next sync is a first one."""
        for part in ("b", "home", "state", "tmp"):
            shutil.rmtree(self.folder / part)
            (self.folder / part).mkdir()
        self.configure()

    def sync(self, limit_s=600):
        return process.run(self.command(), self.environment, limit_s)

    def told(self, run):
        """Whether a run told that two versions of something are in each other's way, by its exit code or its words."""
        return run.exit != 0 or self.told_conflict(run)

    def told_conflict(self, run):
        return re.search(self.conflict_pattern, run.output, re.IGNORECASE) is not None

    def put(self, side, named):
        """Adds cards, as {file name without extension: bytes}."""
        for name, data in named.items():
            (self.folder / side / f"{name}.vcf").write_bytes(data)

    def files(self, side):
        """The contacts of a side, as {path: bytes}."""
        found = {}
        for entry in os.scandir(self.folder / side):
            if entry.is_file() and self.is_item(entry.name):
                found[Path(entry.path)] = Path(entry.path).read_bytes()
        return found

    def held(self, side):
        """The cards that a side holds, in no order."""
        return list(self.files(side).values())

    def edit(self, side, name, change):
        """Edits the card of the person with this name."""
        path, data = next((path, data) for path, data in self.files(side).items() if cards.full_name(data) == name)
        path.write_bytes(change(data))

    def remove(self, side, names):
        names = set(names)
        for path, data in self.files(side).items():
            if cards.full_name(data) in names:
                path.unlink()

    def left_over(self):
        """Files in the sides and in the folder for temporary files that are no contacts."""
        sides = [Path(entry.path) for side in "ab" for entry in os.scandir(self.folder / side)]
        return [path for path in sides if not self.is_item(path.name)] + list((self.folder / "tmp").iterdir())

    def snapshot(self):
        """All that can change: names, bytes and dates of both sides."""
        return {path: (path.read_bytes(), path.stat().st_mtime_ns) for side in "ab" for path in (self.folder / side).iterdir()}

    def _first_line(self, *command):
        said = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, "HOME": "/nonexistent"})
        return said.stdout.splitlines()[0].strip()


class Tetherbook(Program):
    """Side `a` is the phone, a folder (`dir:`); side `b` is the book in the database."""

    name = "Tetherbook"
    address = "dir"

    def version(self):
        return self._first_line(self.tools["tetherbook"], "--version").split()[-1]

    def command(self):
        return [*self._own(), "sync", *self.quiet("--quiet"), "--phone", f"{self.address}:{self.folder}/a"]

    def _own(self):
        return [self.tools["tetherbook"], "--database", self.folder / "state/tetherbook.db"]

    def forget(self):
        super().forget()
        for marker in (self.folder / "a").rglob("tetherbook-replica.txt"):
            marker.unlink()

    def is_item(self, name):
        # The marker tells one folder from another; it is meant to stay.
        return name.endswith(".vcf") or name == "tetherbook-replica.txt"

    def files(self, side):
        if side == "a":
            return {path: data for path, data in super().files("a").items() if path.suffix == ".vcf"}
        exported = subprocess.run([*self._own(), "export"], env=self.environment, capture_output=True, check=True).stdout
        ends = [match.end() for match in re.finditer(rb"^END:VCARD\r?\n", exported, re.MULTILINE)]
        return {number: exported[start:end] for number, (start, end) in enumerate(zip([0, *ends], ends))}

    def put(self, side, named):
        if side == "a":
            super().put("a", named)
            return
        source = self.folder / "imported"
        shutil.rmtree(source, ignore_errors=True)
        source.mkdir()
        for name, data in named.items():
            (source / f"{name}.vcf").write_bytes(data)
        process.run([*self._own(), "import", "--quiet", source], self.environment, check=True)

    def edit(self, side, name, change):
        if side == "a":
            super().edit("a", name, change)
            return
        stored = subprocess.run(
            [*self._own(), "show", name, "--vcard"], env=self.environment, capture_output=True, check=True
        ).stdout
        edited = self.folder / "edited.vcf"
        edited.write_bytes(change(stored))
        editor = self.folder / "editor"
        editor.write_text(f'#!/bin/sh\ncp "{edited}" "$1"\n')
        editor.chmod(0o700)
        process.run([*self._own(), "edit", name], {**self.environment, "VISUAL": str(editor)}, check=True)

    def remove(self, side, names):
        if side == "a":
            super().remove("a", names)
            return
        process.run([*self._own(), "rm", "--yes", *names], self.environment, check=True)

    def snapshot(self):
        phone = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in (self.folder / "a").iterdir()}
        return phone | {path: (data, 0) for path, data in self.files("b").items()}


class TetherbookFolder(Tetherbook):
    """The same under the name that it has in the tables of speed."""

    name = "Tetherbook, folder"


class TetherbookMtp(Tetherbook):
    """Speaks MTP to the simulated phone, which runs inside the same process and keeps its storage in side `a`."""

    name = "Tetherbook, MTP"
    address = "sim"

    @property
    def cards_folder(self):
        return self.folder / "a/Contacts"


class Vdirsyncer(Program):
    name = "vdirsyncer"

    def version(self):
        return self._first_line(self.tools["vdirsyncer"], "--version").split()[-1]

    def configure(self):
        sides = "".join(
            f'[storage {side}]\ntype = "filesystem"\npath = "{self.folder / side}"\nfileext = ".vcf"\n' for side in "ab"
        )
        self._configuration().write_text(
            f'[general]\nstatus_path = "{self.folder}/state/"\n{sides}'
            '[pair contacts]\na = "a"\nb = "b"\ncollections = null\n'
        )
        process.run([*self._own(), "discover"], self.environment, check=True)

    def _configuration(self):
        return self.folder / "vdirsyncer.ini"

    def _own(self):
        return [self.tools["vdirsyncer"], "--config", self._configuration()]

    def command(self):
        return [self.tools["vdirsyncer"], *self.quiet("--verbosity", "ERROR"), "--config", self._configuration(), "sync"]


class Unison(Program):
    """Syncs files and knows nothing of contacts; two cards are the same if they have the same file name."""

    name = "Unison"
    conflict_pattern = r"<-\?->|changed on both sides|conflict"

    def version(self):
        return self._first_line(self.tools["unison"], "-version").split()[2]

    def configure(self):
        self.environment["UNISON"] = str(self.folder / "state")

    def command(self):
        return [self.tools["unison"], self.folder / "a", self.folder / "b", "-ui", "text", "-batch", *self.quiet("-silent")]


class SyncEvolution(Program):
    """Two `file` databases with a local sync; without dumps of both databases before and after, which cost it most."""

    name = "SyncEvolution"
    # Its summary counts them; the word itself stands in the head of each summary, in pieces.
    conflict_pattern = r"[1-9]\d* (client|server) item\(s\) discarded|[1-9]\d* item\(s\) duplicated"

    def version(self):
        return self._first_line(self.tools["syncevolution"], "--version").split()[1]

    def configure(self):
        quick = ["username=", "password=", "dumpData=0", "printChanges=0", "maxlogdirs=1", "preventSlowSync=0"]
        for side, further in (
            ("b", ["syncURL=", "target-config@pair", "contacts"]),
            ("a", ["syncURL=local://@pair", "peerIsClient=1", "sync=two-way", "uri=contacts", "pair", "contacts"]),
        ):
            database = ["backend=file", f"database=file://{self.folder / side}", "databaseFormat=text/vcard"]
            settings = [word for word in further if "=" in word]
            names = [word for word in further if "=" not in word]
            process.run(
                [*self._own(), "--configure", "--template", "none", *quick, *database, *settings, *names],
                self.environment, check=True,
            )  # fmt: skip

    def _own(self):
        return [self.tools["syncevolution"], "--daemon=no", "--keyring=no"]

    def command(self):
        return [*self._own(), *self.quiet("--quiet"), "pair"]

    def is_item(self, name):
        return name.endswith(".vcf") or name.isdigit()


PEERS = [Vdirsyncer, Unison, SyncEvolution]
