"""The report for a bug, on machines of a test's own and on this one."""

from __future__ import annotations

import json
import sys

from tools import setup_env
from tools.generations import generation_of
from tools.versions import report


def lines_of(machine, requirements: str) -> list[str]:
    return list(report(machine.root, requirements, machine.env))


def test_a_package_of_another_version_than_pinned_is_marked(machine):
    lock = "a==1 \\\n    --hash=sha256:aa\nz==1 ; m \\\nz==2 ; n \\\n"
    (machine.root / "requirements/tfx-1.16.txt").write_text(lock)
    answer = json.dumps(["3.10.13", {"z": "2", "a": "3", "mine": "7"}])
    machine.program(machine.root / ".venv/bin/python", f"echo '{answer}'")
    lines = lines_of(machine, "requirements/tfx-1.16.txt")
    assert "Python    3.10.13" in lines
    assert "packages  requirements/tfx-1.16.txt" in lines
    assert lines[-3:] == ["  a 3  (pinned: 1)", "  mine 7", "  z 2"]


def test_without_a_venv_it_still_tells_of_the_machine(machine):
    lines = lines_of(machine, "")
    assert lines[0] == "checkout  no git checkout"
    assert lines[1].startswith("machine   Linux")
    assert lines[-1] == "Python    .venv is not there or does not run: `make install` makes it"


def test_a_gpu_is_named(machine):
    machine.program("nvidia-smi", "echo 'A100, 550.54'")
    assert "GPU       A100, 550.54" in lines_of(machine, "")


def test_the_command_prints_what_this_environment_holds(machine, monkeypatch, capsys):
    machine.make_venv()
    machine.program(machine.root / ".venv/bin/python", f'exec "{sys.executable}" "$@"')
    monkeypatch.setattr(setup_env, "ROOT", machine.root)
    assert setup_env.main(["versions"], machine.env) == 0
    said = capsys.readouterr().out
    assert f"packages  {generation_of('3.10.13').requirements}" in said
    assert "\n  tfx 1." in said


def test_a_lock_that_is_gone_is_told_of(machine):
    machine.program(machine.root / ".venv/bin/python", """echo '["3.10.13", {"a": "1"}]'""")
    lines = lines_of(machine, "requirements/gone.txt")
    assert (
        "          requirements/gone.txt is not in this checkout any more: run `make install`"
        in lines
    )
    assert lines[-1] == "  a 1"
