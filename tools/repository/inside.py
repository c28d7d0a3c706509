"""Runs in the sandbox, and only there: unpacks the workspace and runs its tests with pytest.

What came of each test goes to a file that the host reads with suspicion: the code under test lives
in the same process, and could write anything there.
"""

import json
import os
import sys
import tarfile
from typing import Any

with open("job.json") as file:
    JOB = json.load(file)
TOP = os.getcwd()


class Outcomes:
    """A plugin of pytest that keeps the outcome of each test by its node id."""

    def __init__(self) -> None:
        self.tests: dict[str, dict[str, Any]] = {}

    def pytest_runtest_logreport(self, report: Any) -> None:
        test = self.tests.setdefault(report.nodeid, {"outcome": "", "seconds": 0.0, "detail": ""})
        test["seconds"] += report.duration
        if report.failed:
            self.say(test, "failed" if report.when == "call" else "error", report.longreprtext)
        elif report.skipped:
            self.say(test, "xfailed" if hasattr(report, "wasxfail") else "skipped", "")
        elif report.when == "call":
            self.say(test, "xpassed" if hasattr(report, "wasxfail") else "passed", "")

    def pytest_collectreport(self, report: Any) -> None:
        if report.failed:
            test = self.tests.setdefault(report.nodeid, {"outcome": "", "seconds": 0.0})
            self.say(test, "error", report.longreprtext)

    def say(self, test: dict[str, Any], outcome: str, detail: str) -> None:
        test["outcome"] = outcome
        test["detail"] = detail[-JOB["detail"] :]


os.mkdir("repository")
with tarfile.open("workspace.tar.gz") as packed:
    packed.extractall("repository")
os.remove("workspace.tar.gz")
os.chdir("repository")
sys.path.insert(0, os.getcwd())

import pytest  # noqa: E402, the repository's own conftest is on the path by now

outcomes = Outcomes()
code = pytest.main(["-p", "no:cacheprovider", *JOB["arguments"]], plugins=[outcomes])
tests = {name: test for name, test in outcomes.tests.items() if test["outcome"]}
os.chdir(TOP)  # what is left here is collected
with open("report.json", "w") as file:
    json.dump({"code": int(code), "tests": tests}, file)
