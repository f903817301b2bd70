"""Wall time and peak memory of a first sync, of a session with nothing to do, and after 1 % was edited.

The programs take turns within each round, so that other work on the machine falls on all of them. Must not leave a
program out in silence: what was not measured says why.
"""

import os
import statistics
import sys
import time
from dataclasses import dataclass, field

import cards

STEPS = ("first sync", "nothing to do", "1 % edited")
ROUNDS = 3
#: A program that took longer than this once is not asked again in the same step.
SLOW_S = 15
GROWTH_MAX = 4.5


@dataclass
class Figure:
    """What a program took in one step at one size."""

    seconds: list = field(default_factory=list)
    processor_s: list = field(default_factory=list)
    peak_kb: int = 0
    why_not: str = ""

    @property
    def median(self):
        return statistics.median(self.seconds) if self.seconds and not self.why_not else None

    @property
    def best(self):
        return min(self.seconds) if self.seconds and not self.why_not else None

    @property
    def best_processor(self):
        return min(self.processor_s) if self.processor_s and not self.why_not else None


def fill(program, size):
    """Side `a` gets its contacts, with dates in the past that differ from card to card, as on a phone in use."""
    program.cards_folder.mkdir(exist_ok=True)
    now = time.time()
    for number in range(size):
        _write(program, number, 0, now)


def edit(program, size, version):
    now = time.time()
    for number in range(0, size, 100):
        _write(program, number, version, now)


def _write(program, number, version, now):
    path = program.cards_folder / f"card-{number:06}.vcf"
    path.write_bytes(cards.numbered(number, version))
    date = now - 100_000_000 + 60 * number + version
    os.utime(path, (date, date))


def arrived(program, size):
    """Whether the other side really holds everyone; a fast sync of nothing would be no figure."""
    return len(program.held("b")) == size


def _measure(program, figure, limit_s):
    """One timed run; False if the program shall not be asked again in this step."""
    run = program.sync(limit_s)
    if run.exit is None:
        figure.why_not = f"> {limit_s:.0f} s"
        figure.peak_kb = run.peak_kb
        return False
    if run.exit != 0:
        figure.why_not = f"failed (exit {run.exit})"
        print(f"{program.name}: {run.output[-2000:]}", file=sys.stderr)
        return False
    figure.seconds.append(run.seconds)
    figure.processor_s.append(run.processor_s)
    figure.peak_kb = max(figure.peak_kb, run.peak_kb)
    return run.seconds < SLOW_S


def _turns(programs, figures, step, limit_s, prepare, rounds=ROUNDS):
    """All programs in turn, so many rounds; a program without a first sync is passed over, and says so."""
    asked = []
    for program in programs:
        stopped = step != STEPS[0] and figures[program.name, STEPS[0]].why_not
        figure = figures[program.name, step] = Figure(why_not="not measured: no first sync" if stopped else "")
        if not stopped:
            asked.append((program, figure))
    for turn in range(rounds):
        for program, figure in list(asked):
            prepare(program, turn)
            if not _measure(program, figure, limit_s):
                asked.remove((program, figure))


def measure(programs, size, limit_s):
    """{(program's name, step): Figure} for one number of contacts. The programs have begun in folders of their own."""
    figures = {}
    for program in programs:
        fill(program, size)

    def anew(program, turn):
        if turn:
            program.forget()

    _turns(programs, figures, "first sync", limit_s, anew)
    able = [program for program in programs if not figures[program.name, "first sync"].why_not]
    for program in able:
        if not arrived(program, size):
            figures[program.name, "first sync"].why_not = "did not bring everyone"
    # Programs that look at dates read what was just written once more; nobody is measured doing that.
    time.sleep(2.1)
    for program in able:
        program.sync(limit_s)
        program.sync(limit_s)
    _turns(programs, figures, "nothing to do", limit_s, lambda program, turn: None, ROUNDS + 2)
    _turns(programs, figures, "1 % edited", limit_s, lambda program, turn: edit(program, size, turn + 1))
    for program in able:
        check_edits(program, size, figures)
    return figures


def check_edits(program, size, figures):
    """The last edits must be on the other side, or the figure counts for nothing."""
    figure = figures[program.name, "1 % edited"]
    version = len(figure.seconds)
    wanted = {values for number in range(0, size, 100) for values in cards.values(cards.numbered(number, version), "TEL")}
    held = {value for data in program.held("b") for value in cards.values(data, "TEL")}
    if not figure.why_not and not wanted <= held:
        figure.why_not = f"{len(wanted - held)} edits did not arrive"


def growth(results, ours):
    """[(program, step, times by the clock, times by processor time, kept)] from 10,000 to 40,000 contacts, best runs.

    Processor time decides, for it is the same on a busy machine; the wall's clock is told beside it.
    """
    found = []
    for name in ours:
        for step in STEPS:
            small, large = (results.get(size, {}).get((name, step)) for size in (10_000, 40_000))
            if small and large and small.best and large.best:
                times = large.best_processor / small.best_processor
                found.append((name, step, large.best / small.best, times, times <= GROWTH_MAX))
    return found
