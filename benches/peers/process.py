"""Runs one program as a person would and measures it: exit code, what it said, wall time, peak memory of its processes.

Must not interpret what a program says. GNU time starts the program, because a process that Python starts inherits
Python's own peak memory; what runs beside the program's first process is found by looking at /proc while it runs.
"""

import glob
import os
import signal
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass

LOOK_EVERY_S = 0.02
PAGE_KB = os.sysconf("SC_PAGE_SIZE") // 1024


@dataclass
class Run:
    """What one run of a program came to; `exit` is None if it was ended at its time limit."""

    exit: int | None
    output: str
    #: From its start to its end on the wall's clock.
    seconds: float
    #: What the processors worked for it, its further processes included.
    processor_s: float
    peak_kb: int

    def said(self, *words):
        """Whether one of the words is in the output, upper and lower case aside."""
        return any(word.lower() in self.output.lower() for word in words)


def descendants(process_id):
    """The process and all that it has started and that still run."""
    found = [process_id]
    for parent in found:
        for children in glob.glob(f"/proc/{parent}/task/*/children"):
            try:
                with open(children) as file:
                    found.extend(int(word) for word in file.read().split())
            except OSError:
                continue
    return found


def resident_kb(process_ids):
    total = 0
    for process_id in process_ids:
        try:
            with open(f"/proc/{process_id}/statm") as file:
                total += int(file.read().split()[1]) * PAGE_KB
        except (OSError, IndexError):
            continue
    return total


def kill_tree(process_id):
    """kill -9 for the process and all that it started."""
    for found in reversed(descendants(process_id)):
        try:
            os.kill(found, signal.SIGKILL)
        except ProcessLookupError:
            continue


class Watch(threading.Thread):
    """Adds up the memory of a tree of processes while it runs."""

    def __init__(self, process_id):
        super().__init__(daemon=True)
        self.process_id = process_id
        self.peak_kb = 0
        self.over = threading.Event()

    def run(self):
        while not self.over.wait(LOOK_EVERY_S):
            # The first process is GNU time, which is not part of the program.
            self.peak_kb = max(self.peak_kb, resident_kb(descendants(self.process_id)[1:]))


def run(command, environment, limit_s=600, check=False):
    """Runs a command to its end, or to its time limit."""
    with tempfile.NamedTemporaryFile("r") as measured, tempfile.TemporaryFile("w+", errors="replace") as said:
        started = time.perf_counter()
        process = subprocess.Popen(
            ["/usr/bin/time", "--quiet", "--format=%M", "--output", measured.name, *map(str, command)],
            env=environment, stdin=subprocess.DEVNULL, stdout=said, stderr=said,
        )  # fmt: skip
        watch = Watch(process.pid)
        watch.start()
        timer = threading.Timer(limit_s, kill_tree, [process.pid])
        timer.start()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = code = os.waitstatus_to_exitcode(status)
        seconds = time.perf_counter() - started
        late = not timer.is_alive()
        timer.cancel()
        watch.over.set()
        watch.join()
        said.seek(0)
        output = said.read()
        numbers = [int(word) for word in measured.read().split() if word.isdigit()]
    if check and code != 0:
        raise RuntimeError(f"{' '.join(map(str, command))} ended with {code}: {output[-2000:]}")
    processor_s = usage.ru_utime + usage.ru_stime
    return Run(None if late else code, output, seconds, processor_s, max([watch.peak_kb, *numbers]))


def run_until(command, environment, is_time, limit_s=120):
    """Starts a command and kills all of it with kill -9 once `is_time()` says so.

    Returns whether it was killed before it ended by itself.
    """
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            list(map(str, command)), env=environment, stdin=subprocess.DEVNULL, stdout=said, stderr=said
        )
        started = time.monotonic()
        killed = False
        while process.poll() is None:
            if is_time() or time.monotonic() - started > limit_s:
                kill_tree(process.pid)
                killed = True
                break
        process.wait()
        return killed and process.returncode == -signal.SIGKILL
