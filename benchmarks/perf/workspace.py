"""What a state of a repository costs in a `Workspace`, and as a folder of its own, in one run.

A search tree keeps one state a node. A child is made by forking the parent's state and editing one
function; the alternative copies the parent's folder and writes one file. The repository is made up:
modules of forty functions.

    python benchmarks/perf/workspace.py [--files 500] [--children 20] [--json]
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from symposia.tools import Workspace

MODULE = "".join(
    f"def step_{n}(value: int) -> int:\n    return value * {n} + {n}\n\n\n" for n in range(40)
)


def milliseconds(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return (time.perf_counter() - began) * 1e3


def measured(files: int, children: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as temporary:
        top = Path(temporary) / "source"
        for number in range(files):
            folder = top / f"package_{number % 20}"
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"module_{number}.py").write_text(MODULE)
        target = "package_0/module_0.py"
        checkout = milliseconds(lambda: Workspace.checkout(top))
        workspace = Workspace.checkout(top)
        forked, copied, returned = [], [], []
        for child in range(children):
            new = f"def step_7(value: int) -> int:\n    return {child}\n"

            def fork(new: str = new) -> None:
                workspace.fork().replace_symbol(target, "step_7", new)

            def copy(child: int = child) -> None:
                own = Path(temporary) / f"child_{child}"
                shutil.copytree(top, own)
                text = (own / target).read_text()
                (own / target).write_text(text.replace("value * 7 + 7", str(child)))

            forked.append(milliseconds(fork))
            copied.append(milliseconds(copy))
            returned.append(milliseconds(lambda: workspace.restore(workspace.start)))
        return {
            "files": files,
            "checkout_ms": checkout,
            "fork_and_edit_ms": median(forked),
            "copy_and_edit_ms": median(copied),
            "ratio": median(copied) / median(forked),
            "restore_ms": median(returned),
            "view_ms": milliseconds(lambda: workspace.view(target)),
            "search_all_files_ms": milliseconds(lambda: workspace.search("value * 39 + 39")),
            "find_symbol_ms": milliseconds(lambda: workspace.find_symbols("step_7", [target])),
        }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=500)
    parser.add_argument("--children", type=int, default=20)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    numbers = measured(options.files, options.children)
    if options.json:
        print(json.dumps(numbers))
    else:
        for name, value in numbers.items():
            print(f"{name:>22}  {value:,.1f}")
