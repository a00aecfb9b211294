"""A part of the environment of functune as a folder of its own."""

from pathlib import Path

from packaging.requirements import Requirement

from functune.packages.linked import links_to, make_links, required_distributions


def names(*requirements: str) -> set[str]:
    return {each.name.lower() for each in required_distributions(map(Requirement, requirements))}


def test_requirements_bring_what_they_require_and_nothing_else() -> None:
    found = names("httpx")
    assert {"httpx", "httpcore", "anyio", "certifi", "idna", "h11"} <= found
    assert not found & {"click", "functune", "locust", "msgspec", "numpy", "rich"}


def test_extras_and_markers_count() -> None:
    assert "click" in names("httpx[cli]")
    assert names('httpx ; python_version < "3"') == set()


def test_package_that_is_not_installed_is_omitted() -> None:
    assert names("nothing-of-that-name", "idna") == {"idna"}


def test_parts_of_a_namespace_are_linked_one_by_one(tmp_path: Path) -> None:
    """azure-core and azure-identity are installed too, and stay out."""
    make_links(tmp_path, links_to(required_distributions([Requirement("azure-functions")])))
    assert not (tmp_path / "azure").is_symlink()
    assert [entry.name for entry in (tmp_path / "azure").iterdir()] == ["functions"]
    assert (tmp_path / "azure" / "functions" / "__init__.py").is_file()


def test_single_modules_are_linked(tmp_path: Path) -> None:
    make_links(tmp_path, links_to(required_distributions([Requirement("typing-extensions")])))
    assert (tmp_path / "typing_extensions.py").is_file()
