"""Gets the programs that are compared: Tetherbook built from this checkout, the peers from PyPI and from Debian by name.

Must not hide that one is missing: what cannot be had is returned with the reason, and stands in the tables as not here.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BELOW = ROOT / "target/peers"

#: Pinned, so that two runs of the comparison compare the same program.
VDIRSYNCER = "vdirsyncer==0.21.0"


def tell(text):
    print(text, file=sys.stderr, flush=True)


def _run(command, what):
    """Runs a command; gives the reason if it fails."""
    try:
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, errors="replace")
    except OSError as error:
        return f"{what}: {error}"
    if done.returncode == 0:
        return None
    words = (done.stderr or done.stdout).strip().splitlines()
    return f"{what}: {words[-1] if words else f'exit {done.returncode}'}"


def _package(program, package):
    """The program's path, installing Debian's package if it is not there; or the reason why not."""
    if not shutil.which(program):
        tell(f"Installing {package} (for {program}).")
        as_root = [] if os.geteuid() == 0 else ["sudo", "-n"]
        quiet = ["apt-get", "-qq", "-y", "--no-install-recommends", "install", package]
        update = _run([*as_root, "apt-get", "-qq", "update"], "apt-get update")
        failed = _run([*as_root, "env", "DEBIAN_FRONTEND=noninteractive", *quiet], f"apt-get install {package}")
        if failed:
            return None, failed if not update else f"{update}; {failed}"
    found = shutil.which(program)
    return found, None if found else f"{package} is installed but has no {program}"


def _vdirsyncer():
    program = BELOW / "venv/bin/vdirsyncer"
    python = BELOW / "venv/bin/python"
    if not python.exists():
        failed = _run([sys.executable, "-m", "venv", BELOW / "venv"], "python3 -m venv")
        if failed:
            return None, failed
    tell(f"Installing {VDIRSYNCER} from PyPI below target/, if it is not there.")
    failed = _run([python, "-m", "pip", "install", "--quiet", VDIRSYNCER], "pip install vdirsyncer")
    return (None, failed) if failed else (program, None)


def tetherbook():
    """Builds the release program; without it there is nothing to compare."""
    tell("Building Tetherbook (release).")
    subprocess.run(["cargo", "build", "--release", "--bin", "tetherbook"], cwd=ROOT, check=True)
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    return target / "release/tetherbook"


def programs(wanted, built=None):
    """({program: path}, {program: why it is not here}) for Tetherbook (the one given, else built) and the wanted peers."""
    found, missing = {"tetherbook": built.resolve() if built else tetherbook()}, {}
    time_path, why = _package("time", "time")
    if not time_path or not Path("/usr/bin/time").exists():
        raise SystemExit(f"GNU time is needed for the memory figures: {why}")
    sources = {
        "vdirsyncer": _vdirsyncer,
        "unison": lambda: _package("unison", "unison"),
        "syncevolution": lambda: _package("syncevolution", "syncevolution"),
    }
    for name in wanted:
        path, why = sources[name]()
        if path:
            found[name] = path
        else:
            missing[name] = why
            tell(f"{name} is not here: {why}")
    return found, missing
