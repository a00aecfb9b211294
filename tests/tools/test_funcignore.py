"""azd, Core Tools and our own packaging send the same files by .funcignore, each by its own rules."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.tools.ignore_rules import AzdRules, CoreToolsRules, sent_by_azd, sent_by_core_tools
from tools.package import ROOT, packaged_files

APP = {
    *("function_app.py", "functune_times.py", "host.json", "requirements.txt"),
    *("blueprints/__init__.py", "blueprints/fetch.py"),
}
STRAYS = {
    # What a developer's folder has and a package must not.
    *(".env", ".env.local", ".envrc", "secrets.pem", "key.pfx", "local.settings.json", "local.settings.prod.json"),
    *("prod.local.settings.json", "id_rsa", "credentials", "appsettings.json", ".npmrc", ".netrc", "dump.sql"),
    *("venv/pyvenv.cfg", "venv/lib/site.py", "env/bin/python", ".venv/bin/activate", "app_env/pyvenv.cfg"),
    *("node_modules/a/index.js", ".python_packages/lib/site-packages/a.py", "__pycache__/function_app.cpython-313.pyc"),
    *(".git/config", ".vscode/settings.json", ".azure/prod/.env", ".github/workflows/ci.yml", ".idea/a.xml"),
    # The rest of this repository, and what looks like a part of the app.
    *("requirements.in", "pyproject.toml", "hosting/requirements.txt", "functune/host/front.py", "tests/host.json"),
    *("infra/main.bicep", "runs/a/report.json", "README.md", "Makefile", "my_function_app.py", "other/function_app.py"),
    *("blueprints.py", "blueprints_old/a.py", "notes.txt", "app.zip", "-", "~"),
    *("blueprints/.env", "blueprints/key.pem", "blueprints/data.csv", "blueprints/local.settings.json"),
    *("blueprints/__pycache__/fetch.cpython-313.pyc", "blueprints/fetch.pyc", "blueprints/sub/a.py", "blueprints/py"),
}
Sent = Callable[[Path], set[str]]


def sent_by_package(root: Path) -> set[str]:
    return {str(path) for path in packaged_files(root)}


TOOLS = [sent_by_azd, sent_by_core_tools, sent_by_package]
# A name without a letter, a digit or an underscore has no end of a word, so no rule of Core Tools leaves it out.
_NAMELESS = {"-", "~"}


def folder(root: Path, ignored: str) -> Path:
    """A folder with the app and all strays."""
    for name in APP | STRAYS:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("x")
    (root / ".funcignore").write_text(ignored)
    return root


@pytest.mark.parametrize("sent", TOOLS)
def test_only_the_app_is_sent(tmp_path: Path, sent: Sent) -> None:
    found = sent(folder(tmp_path, (ROOT / ".funcignore").read_text()))
    assert found - (_NAMELESS if sent is sent_by_core_tools else set()) == APP


@pytest.mark.parametrize("sent", TOOLS)
def test_this_repository_sends_the_app_alone(sent: Sent) -> None:
    modules = {f"blueprints/{path.name}" for path in (ROOT / "blueprints").glob("*.py")}
    assert sent(ROOT) == {path for path in APP if "/" not in path} | modules


@pytest.mark.parametrize("sent", TOOLS)
@pytest.mark.parametrize(
    "ignored",
    [
        ".venv/\ntests/\nlocal.settings.json\n",  # a list of what to leave out
        "/*\n!/function_app.py\n!/functune_times.py\n!/host.json\n!/requirements.txt\n!/blueprints/\n",
    ],
)
def test_other_lists_send_something_else(tmp_path: Path, sent: Sent, ignored: str) -> None:
    """The second one is right for none: azd leaves out the files of blueprints/, and the others send its strays."""
    assert sent(folder(tmp_path, ignored)) - _NAMELESS != APP


@pytest.mark.parametrize(
    ("path", "is_accepted"),
    [
        # The cases of Core Tools' own tests (GitIgnoreParserTests.cs).
        *((path, True) for path in ("test/index.js", "wat/test/index.js", "test1File.wat", "nonexistent/foo")),
        *((path, True) for path in ("nonexistent/foo/wat", "/othernonexistent/blah/adsasd/what/foo")),
        *((path, False) for path in ("test2", "test.swp", "node_modules/what.js", "foo/bar.wat", "nonexistent")),
        *((path, False) for path in ("othernonexistent/blah/what", "nonexistent/bar", "test1", "baz")),
    ],
)
def test_rules_of_core_tools_are_those_of_its_tests(path: str, is_accepted: bool) -> None:
    rules = CoreToolsRules(
        "# a comment\nnode_modules\n*.log\n\nnonexistent\n!/nonexistent/foo\n/baz\nfoo/*.wat\n/test1\ntest2\n"
        "othernonexistent/**/what\n!/othernonexistent/**/what/foo\n*.swp\n"
    )
    assert rules.accepts(path) is is_accepted


@pytest.mark.parametrize(
    ("path", "is_ignored"),
    [
        # Cases of go-gitignore's own tests (defn_test.go).
        *((path, False) for path in ("arch/", "arch/foo/kernel/vmlinux.lds.S", "bar/testfile", "dirpattern", "log/")),
        *((path, True) for path in ("arch/foo/vmlinux.lds.S", "my/path/to/dirpattern/", "exclude/", "file.o", "lib.a")),
        *((path, False) for path in ("my/path/to/dirpattern/some_file.txt", "Documentation/foo.html", "log/foo.log")),
        *((path, True) for path in ("Documentation/foo-excl.html", "exclude/dir1/dir2/dir3/testfile", "log/test.log")),
        *((path, False) for path in ("foo/exclude/other/file.txt", "foodir/", "foodir/bar/testfile", "rootsubdir/foo")),
        *((path, True) for path in ("foodir/bar/", "git-sample-3/foo/test/", "git-sample-3/test/", "rootsubdir/")),
        *(
            (path, False)
            for path in ("git-sample-3/foo/", "git-sample-3/foo/bar/", "htmldoc/docs.html", "src/findthis.o")
        ),
        *((path, True) for path in ("subdir/hide/", "subdir/hide/foo", "htmldoc/jslib.min.js")),
    ],
)
def test_rules_of_azd_are_those_of_the_tests_of_its_library(path: str, is_ignored: bool) -> None:
    rules = AzdRules(
        "*.[oa]\n*.html\n*.min.js\n\n!foo*.html\nfoo-excl.html\nvmlinux*\nlog/*.log\n!/log/foo.log\n**/logdir/log\n"
        "**/foodir/bar\nexclude/**\n!findthis*\n**/hide/**\nsubdir/subdir2/\n/rootsubdir/\ndirpattern/\nREADME.md\n"
        "# a comment\n!arch/foo/kernel/vmlinux*\n!htmldoc/*.html\ngit-sample-3/*\n!git-sample-3/foo\n"
        "git-sample-3/foo/*\n!git-sample-3/foo/bar\nDocumentation/*.pdf\nDocumentation/**/p*.pdf\n"
    )
    assert rules.ignores(path.rstrip("/"), is_folder=path.endswith("/")) is is_ignored
