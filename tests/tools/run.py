# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs the project's checks one after another: run.py [STAGE...]; without a stage, all but those that are to be asked for.

A failing stage does not keep the others from running. What could not run is named at the end with its reason, and the
last line counts the tests.
"""
from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable
from xml.etree import ElementTree

from places import BIN, TOP

CANNOT = 3  # exit code of `vm tools` and `fabric tools` where this machine cannot have them


@dataclass
class Outcome:
    """What a stage came to: counts of tests, and what it left out with the reason."""

    passed: int = 0
    failed: int = 0
    skipped: list[str] = field(default_factory=list)

    def add(self, other: Outcome) -> None:
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped


def call(*command: object, **extra: str) -> int:
    """Runs a command with its output shown; its exit code."""
    env = dict(os.environ, PATH=f"{BIN}{os.pathsep}{os.environ['PATH']}", **extra)
    return subprocess.call([str(word) for word in command], cwd=TOP, env=env)


def one(code: int) -> Outcome:
    return Outcome(passed=1) if code == 0 else Outcome(failed=1)


def pytest(*arguments: object, **extra: str) -> Outcome:
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        code = call(BIN / "python", "-m", "pytest", f"--junitxml={report}", "-o", "junit_family=xunit2", *arguments, **extra)
        if not report.exists():
            return Outcome(failed=1)
        outcome = junit(report)
    if code not in (0, 1) or (code == 1 and not outcome.failed):
        outcome.failed += 1  # the runner itself broke: interrupted, an error of collection, or no test at all
    return outcome


def junit(report: Path) -> Outcome:
    outcome = Outcome()
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            outcome.failed += 1
        elif (skip := case.find("skipped")) is not None:
            outcome.skipped.append(f"{case.get('classname')}.{case.get('name')}: {skip.get('message')}")
        else:
            outcome.passed += 1
    return outcome


def lint() -> Outcome:
    outcome = one(call(BIN / "ansible-lint", "--offline", "--profile", "production", "-q"))
    outcome.add(one(call(BIN / "antsibull-changelog", "lint")))
    outcome.add(one(call(BIN / "python", "tests/tools/reference.py", "--check")))
    return outcome


def sanity() -> Outcome:
    return one(call(BIN / "python", "tests/tools/sanity.py"))


def unit() -> Outcome:
    """The unit tests; those that render charts once for each Helm."""
    helms = toolchain()
    outcome = pytest("tests/unit", "-n", "2", LAB_HELM=helms["helm4"])
    outcome.add(pytest("tests/unit/lab", "-n", "2", LAB_HELM=helms["helm3"]))
    return outcome


def toolchain() -> dict[str, str]:
    """Paths of go, the lab's own programs and Helm 3 and 4, built where they are not there."""
    done = subprocess.run([str(TOP / "tests/lab/lab"), "tools", "--json"], cwd=TOP, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


def proof() -> Outcome:
    """Random clusters and policies, with simulated agents as the judge of what is planned for them."""
    toolchain()
    return pytest("tests/proof", "-s")


def go_test() -> Outcome:
    go = toolchain()["go"]
    command = [go, "test", "-json", "-vet=off", "-p", "2", "./..."]  # vet takes minutes on Kubernetes
    env = dict(os.environ, GOTOOLCHAIN="local")
    done = subprocess.run(command, cwd=TOP / "tests/lab/cluster", env=env, stdout=subprocess.PIPE, text=True, check=False)
    return go_outcome(done.stdout, done.returncode)


def go_outcome(events: str, code: int) -> Outcome:
    outcome = Outcome()
    for line in events.splitlines():
        event = json.loads(line) if line.startswith("{") else {}
        if event.get("Action") in ("output", "build-output") and "FAIL" in event.get("Output", ""):
            print(event["Output"], end="")
        if not event.get("Test") or "/" in event["Test"]:
            continue
        outcome.passed += event["Action"] == "pass"
        outcome.failed += event["Action"] == "fail"
        if event["Action"] == "skip":
            outcome.skipped.append(event["Test"])
    print(f"go test: {outcome.passed} passed, {outcome.failed} failed")
    if code and not outcome.failed:
        outcome.failed = 1
    return outcome


def lab_test() -> Outcome:
    toolchain()
    return pytest("tests/lab", "-m", "lab", "-n", "2", "--dist", "loadgroup")


def fabric() -> Outcome:
    """Tests with real kubelets and packets in network namespaces; skipped where they cannot be had."""
    done = subprocess.run([TOP / "tests/fabric/fabric", "tools", "--json"], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode == CANNOT:
        return Outcome(skipped=[f"tests.fabric: {json.loads(done.stdout)['reason']}"])
    return pytest("tests/fabric", "-m", "fabric", "--durations=5")


def molecule() -> Outcome:
    """The test beds' own tests, then every scenario of molecule/, on virtual machines; skipped where they cannot be run."""
    scenarios = sorted(path.parent.name for path in TOP.glob("molecule/*/molecule.yml"))
    reason = no_machines()
    if reason:
        return Outcome(skipped=[f"{name}: {reason}" for name in ["tests.vm", *(f"molecule.{name}" for name in scenarios)]])
    outcome = pytest("tests/vm", "-m", "vm", "--durations=5")
    for name in scenarios:
        print(f"--- molecule test -s {name}", flush=True)
        extra = {"VM_WATCH_PID": str(os.getpid()), "MOLECULE_GLOB": "molecule/*/molecule.yml"}
        outcome.add(one(call(BIN / "molecule", "test", "-s", name, **extra)))
    return outcome


def no_machines() -> str | None:
    """Why there can be no virtual machines here; None once there is an image and machines of it to wake."""
    done = subprocess.run([TOP / "tests/vm/vm", "tools", "--json"], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode == CANNOT:
        return json.loads(done.stdout)["reason"]
    subprocess.run([TOP / "tests/vm/vm", "image"], check=True)
    return None


STAGES: dict[str, Callable[[], Outcome]] = {
    "lint": lint, "sanity": sanity, "unit": unit, "proof": proof, "go-test": go_test, "lab-test": lab_test,
    "fabric": fabric, "molecule": molecule,
}
# Of no use without its quarter of an hour, and emulated guests starve on a machine that is busy: run when it is named.
ASKED_FOR = {
    "molecule": "virtual machines take a quarter of an hour, and longer for their first image; make molecule runs it",
    "fabric": "real kubelets in network namespaces take root and minutes; make fabric runs it",
}


def attempt(stage: Callable[[], Outcome]) -> Outcome:
    """A stage's outcome; one that could not even be started has failed."""
    try:
        return stage()
    except (OSError, subprocess.SubprocessError) as error:
        print(error, file=sys.stderr)
        return Outcome(failed=1)


def missing() -> list[str]:
    """What the sanity stage cannot look at on this machine, and why."""
    wanted = [f"3.{minor}" for minor in range(8, 14)]
    roots = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    absent = [v for v in wanted if not list(roots.glob(f"{v}.*/bin/python")) and not shutil.which(f"python{v}")]
    return [f"sanity on Python {version}: no such interpreter here" for version in absent]


def main(names: list[str]) -> int:
    unknown = [name for name in names if name not in STAGES]
    if unknown:
        print(f"No stage named {', '.join(unknown)}; there are {', '.join(STAGES)}.", file=sys.stderr)
        return 2
    total, lines = Outcome(skipped=[] if names else [f"{name}: {reason}" for name, reason in ASKED_FOR.items()]), []
    for name in names or [name for name in STAGES if name not in ASKED_FOR]:
        print(f"\n==> {name}", flush=True)
        began = time.monotonic()
        outcome = attempt(STAGES[name])
        if name == "sanity":
            outcome.skipped += missing()
        total.add(outcome)
        took = time.monotonic() - began
        lines.append(f"{name:10} {took:6.0f} s  {outcome.passed} passed, {outcome.failed} failed, {len(outcome.skipped)} skipped")
    print("\n" + "\n".join(lines))
    for reason in total.skipped:
        print(f"skipped: {reason}")
    print(f"{total.passed} passed, {total.failed} failed, {len(total.skipped)} skipped")
    return 1 if total.failed or not total.passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
