"""The comparison's tables as Markdown. Must not measure nor judge; it prints what it is given."""

import speed


def table(head, rows, right=0):
    """A table; all columns but the first `len(head) - right` stand to the right."""
    lines = ["| " + " | ".join(head) + " |"]
    lines.append("|" + "".join("---:|" if column >= len(head) - right else "---|" for column in range(len(head))))
    lines.extend("| " + " | ".join(map(str, row)) + " |" for row in rows)
    return "\n".join(lines) + "\n"


def versions(rows):
    return table(["program", "version"], rows)


def probes(names, rows):
    """A row per story, a column per program."""
    return table(["what happens", *names], rows)


def duration(seconds):
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms" if seconds >= 0.1 else f"{seconds * 1000:.1f} ms"
    return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.1f} s"


def megabytes(kilobytes):
    return f"{kilobytes / 1024:.0f} MB" if kilobytes else "—"


def _wall(figure):
    return figure.median


def _processor(figure):
    return figure.best_processor


def _peak(figure):
    return None if figure.why_not else figure.peak_kb


def _show_wall(figure):
    return f"{duration(figure.median)} ({len(figure.seconds)})"


def _show_processor(figure):
    return duration(figure.best_processor)


def _show_peak(figure):
    return megabytes(figure.peak_kb)


def ratio(figures, peers, own_name, step, read):
    """(The best peer's figure divided by ours, that peer); None where there is nothing to compare."""
    own = read(figures[own_name, step])
    values = [(read(figures[name, step]), name) for name in peers if read(figures[name, step])]
    return (min(values)[0] / own, min(values)[1]) if values and own else None


def _block(head, figures, ours, peers, missing, columns):
    """One table: a row per program, then for each of ours how many times the best peer takes."""
    rows = []
    for name in [*ours, *peers]:
        cells = []
        for step, _, show in columns:
            figure = figures[name, step]
            cells.append(figure.why_not or show(figure))
        rows.append([name, *cells])
    rows += [[name, *["not here"] * len(columns)] for name in missing]
    for name in ours:
        found = [ratio(figures, peers, name, step, read) for step, read, _ in columns]
        cells = [f"{one[0]:.2f} × ({one[1]})" if one else "—" for one in found]
        rows.append([f"**best peer ÷ {name}**", *cells])
    return table(head, rows, right=len(columns))


def speed_of(size, figures, ours, peers, missing):
    """The tables of one number of contacts: time by the clock and memory, then processor time."""
    wall = [(step, _wall, _show_wall) for step in speed.STEPS] + [(step, _peak, _show_peak) for step in speed.STEPS[:2]]
    work = [(step, _processor, _show_processor) for step in speed.STEPS]
    first = [f"{size:,} contacts", *speed.STEPS, "memory, first sync", "memory, nothing to do"]
    second = [f"{size:,} contacts, processor time", *speed.STEPS]
    return "\n".join([
        _block(first, figures, ours, peers, missing, wall),
        _block(second, figures, ours, peers, missing, work),
    ])  # fmt: skip


def growth(rows):
    cells = [
        [name, step, f"{wall:.2f} times", f"{work:.2f} times", f"{speed.GROWTH_MAX} times", "yes" if good else "**NO**"]
        for name, step, wall, work, good in rows
    ]
    head = ["10,000 → 40,000 contacts", "step", "by the clock", "by processor time", "at most", "kept"]
    return table(head, cells, right=3)
