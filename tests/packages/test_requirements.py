"""requirements.txt as it is found in apps."""

from pathlib import Path

from functune.packages.requirements import included_files, named_requirements

TEXT = """\ufeff# the app
azure-functions
httpx[http2] == 0.27.2 ; python_version >= "3.8"  # pinned
requests>=2,\\
    <3 --hash=sha256:abc
--index-url https://example.com/simple
-r more/base.txt
-c missing.txt
--constraint limits.txt
./local
https://example.com/x.whl
name @ https://example.com/y.whl
"""


def test_names_are_read_and_everything_else_is_left_to_pip(tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "base.txt").write_text("Flask\n--requirement ../requirements.txt\n")
    (tmp_path / "limits.txt").write_text("numpy<3\n")
    (tmp_path / "requirements.txt").write_text(TEXT)
    named = named_requirements(tmp_path / "requirements.txt")
    assert [each.name for each in named] == ["azure-functions", "httpx", "requests", "name", "Flask"]
    assert [str(each.specifier) for each in named] == ["", "==0.27.2", "<3,>=2", "", ""]
    assert named[1].extras == {"http2"}


def test_file_includes_each_file_once(tmp_path: Path) -> None:
    for name, other in (("a", "b"), ("b", "a")):
        (tmp_path / name).write_text(f"-r {other}\n-c {other}\n")
    assert included_files(tmp_path / "a") == [tmp_path / "a", tmp_path / "b"]


def test_app_without_the_file_names_nothing(tmp_path: Path) -> None:
    assert named_requirements(tmp_path / "requirements.txt") == []
