"""requirements.txt as it is found in apps."""

from pathlib import Path

from functune.doctor.reading.requirement_lines import read_requirement_lines
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

# As uv and pip-compile write it; pip takes all of the forms.
LOCKED = """# Written by a program
cffi==2.0.0 \\
    --hash=sha256:00bdf7acc5f795150faa6957054fbbca2439db2f775ce831222b66f192f03beb \\
    --hash=sha256:07b271772c100085dd28b74fa0cd81c8fb1a3ba18b21e03d7c27f3436a10606b
    # via cryptography
colorama==0.4.6 ; sys_platform == 'win32' \\
    --hash=sha256:4f1d9991f5acc0ca119f9d443620b77f9d6b33703e51011c16baf57afb285fc6
idna==3.11 --hash=sha256:771a87f49d9defaf64091e6e6fe9c18d4833f140bd19464795bc32d966ca37ea \\
  --hash sha256:795dafcc9c04ed0c1fb032c2aa73654d8e8c5023a7df64a53f39190ada629902 # via anyio
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


def test_locked_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text(LOCKED)
    named = named_requirements(tmp_path / "requirements.txt")
    assert [f"{each.name}{each.specifier}" for each in named] == ["cffi==2.0.0", "colorama==0.4.6", "idna==3.11"]
    assert str(named[1].marker) == 'sys_platform == "win32"'
    lines = read_requirement_lines(tmp_path)
    assert [(each.name, each.line) for each in lines.lines] == [("cffi", 2), ("colorama", 6), ("idna", 8)]
    assert not lines.has_others
    assert all(each.is_locked for each in lines.lines)


def test_file_includes_each_file_once(tmp_path: Path) -> None:
    for name, other in (("a", "b"), ("b", "a")):
        (tmp_path / name).write_text(f"-r {other}\n-c {other}\n")
    assert included_files(tmp_path / "a") == [tmp_path / "a", tmp_path / "b"]


def test_app_without_the_file_names_nothing(tmp_path: Path) -> None:
    assert named_requirements(tmp_path / "requirements.txt") == []
