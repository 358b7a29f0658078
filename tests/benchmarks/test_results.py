"""What the README claims: every figure comes out of a kept result, and an outdated result is told from a new one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))

import measured  # noqa: E402
import page  # noqa: E402
import run_all  # noqa: E402
from measured import Result, Row  # noqa: E402


def test_the_figures_of_the_readme_are_those_of_the_results():
    text = page.README.read_text(encoding="utf-8")
    shown = text.split(page.BEGIN)[1].split(page.END)[0].strip()
    assert shown == page.readme_figures(), "run python benchmarks/run_all.py --page"


@pytest.fixture
def history(tmp_path, monkeypatch):
    """A repository of one file, in place of ours; a function that changes the file and commits it."""
    monkeypatch.setattr(measured, "ROOT", tmp_path)
    (tmp_path / "code").mkdir()

    def commit(text: str, name: str = "code/one.py") -> None:
        (tmp_path / name).write_text(text)
        subprocess.run(["git", "add", "."], cwd=tmp_path, check=True)
        person = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
        subprocess.run(["git", *person, "commit", "--quiet", "-m", f"It says {text}"], cwd=tmp_path, check=True)

    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    commit("first")
    return commit


def test_a_result_is_outdated_once_its_code_is_changed(history, tmp_path):
    def measure() -> Result:
        return Result("one", "", [], **measured.circumstances(["code"]))

    now = measure()
    assert run_all.outdated(now, ("code",)) == ""
    history("words", "code/README.md")
    history("other", "other.py")
    assert run_all.outdated(now, ("code",)) == ""
    assert "other.py" in run_all.outdated(now, ("code", "other.py"))
    history("second")
    assert run_all.outdated(now, ("code",)).endswith("It says second")
    assert run_all.outdated(measure(), ("code",)) == ""
    (tmp_path / "code" / "one.py").write_text("third")
    assert "not committed" in run_all.outdated(measure(), ("code",))


def test_the_check_before_a_release_names_what_is_outdated(history, monkeypatch, capsys):
    noted = measured.circumstances(["code"])
    monkeypatch.setattr(run_all, "FIGURES", [("start", "", ""), ("augment", "", ""), ("demo", "", "")])
    monkeypatch.setattr(run_all, "BENCHMARKS", {n: run_all.Benchmark("", (), ("code",)) for n in ("start", "augment")})
    history("second")
    kept = {
        "start": Result("start", "", [], **noted),
        "augment": Result("augment", "", [], **measured.circumstances(["code"])),
    }
    monkeypatch.setattr(run_all, "results", lambda: kept)
    assert run_all.check() == 1
    said = capsys.readouterr().out
    assert "--only start" in said
    assert "--only augment" not in said
    assert "1 of 2 results" in said


def test_every_benchmark_is_there_and_so_is_what_it_measures():
    for name, benchmark in run_all.BENCHMARKS.items():
        script = ROOT / "benchmarks" / benchmark.script
        assert script.is_file(), name
        assert '"--json"' in script.read_text(), name
        for code in benchmark.code:
            assert (ROOT / code).exists(), f"{name}: {code}"
    assert {name for name, _, _ in page.FIGURES} <= set(run_all.BENCHMARKS)


@pytest.fixture
def kept(tmp_path):
    """Two results as a run leaves them."""
    rows = [
        Row("tutorial's loop", "variants/s", [100.0, 90.0, 110.0]),
        Row("files", "variants/s", [210.0, 200.0, 190.0]),
        Row("TFRecord at 120", "variants/s", [450.0, 500.0, 400.0]),
    ]
    around = measured.circumstances(["benchmarks/measured.py"])
    Result("augment", "python benchmarks/augment.py", rows, text="said", **around).save(tmp_path)
    Result("mine", "python benchmarks/start.py", [Row("alone", "s", [1.0])], **around).save(tmp_path)
    return tmp_path


def test_readme_lines_are_made_of_the_medians(kept):
    lines = page.readme_figures(kept).splitlines()
    assert lines[0].startswith("- augmenting: 200 variants/s as files, 2.0 times the tutorial's loop; 4.5 times as")
    assert lines[0].endswith("(`python benchmarks/run_all.py --only augment`)")
    assert len([line for line in lines if line.startswith("- ")]) == 1  # what was not run is not claimed


def test_the_page_shows_every_result_with_its_spread_and_circumstances(kept, tmp_path):
    page.write_page(["augment"], kept, tmp_path / "page.md", tmp_path / "charts")
    text = (tmp_path / "page.md").read_text()
    assert "| files | 200 variants/s | 190 to 210 | 3 | 2.00 |" in text
    assert text.index("## augment") < text.index("## mine")
    assert "```text\nsaid\n```" in text
    assert measured.machine() in text
    assert (tmp_path / "charts" / "augment-variants-s.png").stat().st_size > 5000
    assert not (tmp_path / "charts" / "mine-s.png").exists()  # one bar compares nothing


def test_rows_are_read_from_every_form_of_json():
    peers = {"peers": {"starter": {"*": {"ap": {"0.50": 0.9}}, "threads_2": {"median_ms": 3.0, "p95_ms": 4.0}}}}
    assert [(row.name, row.values) for row in run_all.rows_in(peers)] == [
        ("starter, 2 threads", [3.0]),
        ("starter, AP50 on *", [0.9]),
    ]
    scratch = [{"network": "vgg6", "seconds": {"notes": 2.0, "ours": 1.0}}]
    assert [row.values for row in run_all.rows_in(scratch)] == [[2.0], [1.0]]


@pytest.mark.slow
def test_one_benchmark_runs_and_keeps_what_it_found(tmp_path, monkeypatch):
    benchmark = run_all.Benchmark("start.py", ("--rounds", "1"), ("benchmarks/start.py",))
    result = run_all.run("start", benchmark)
    assert result is not None
    again = measured.read_result(result.save(tmp_path))
    assert again == result
    assert again.row("first box of a photo").median > again.row("python alone").median
    assert 20 < again.row("detect, a photo").median < 2000
    if again.commit:
        subprocess.run(["git", "merge-base", "--is-ancestor", again.commit, "HEAD"], cwd=ROOT, check=True)
