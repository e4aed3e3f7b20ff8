"""Finding what is installed, without running a line of it."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from maydan.plugins.discovery import FoundPlugin, find_plugins, found_at

TRAP = "raise RuntimeError('nobody may import this')\n"
MANIFEST = 'name = "{name}"\nversion = "1.0"\nhook_api = ">=1,<2"\n'


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of installed distributions."""
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for module in [name for name in sys.modules if name.startswith("trapped")]:
        del sys.modules[module]


def install(site: Path, name: str, *, package: str, manifest: str | None = None, distribution: str = "") -> Path:
    """Write what pip would."""
    folder = site / package
    folder.mkdir(exist_ok=True)
    (folder / "__init__.py").write_text(TRAP)
    (folder / "plugin.py").write_text(TRAP)
    if manifest != "":
        (folder / "manifest.toml").write_text(manifest or MANIFEST.format(name=name))
    register(site, name, package, distribution or f"trapped-{name}")
    return folder


def register(site: Path, name: str, package: str, distribution: str) -> None:
    """Write the metadata alone."""
    info = site / f"{distribution.replace('-', '_')}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[maydan.plugins]\n{name} = {package}.plugin\n")


def found(name: str) -> list[FoundPlugin]:
    """What is found under a name."""
    return [each for each in find_plugins() if each.name == name]


def test_a_plugin_is_found_and_not_imported(site: Path) -> None:
    """Its manifest is known; its code did not run."""
    install(site, "oak", package="trapped_oak")
    (oak,) = found("oak")
    assert oak.manifest is not None
    assert (oak.source, oak.problems) == ("trapped-oak", ())
    assert "trapped_oak" not in sys.modules
    with pytest.raises(RuntimeError, match="nobody may import this"):
        oak.load()


def test_an_editable_plugin_is_found_where_its_source_is(site: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """As hatchling does it: a path that was added when Python started."""
    source = tmp_path_factory.mktemp("source")
    sys.path.append(str(source))
    try:
        (source / "trapped_elm").mkdir()
        (source / "trapped_elm" / "__init__.py").write_text(TRAP)
        (source / "trapped_elm" / "manifest.toml").write_text(MANIFEST.format(name="elm"))
        register(site, "elm", "trapped_elm", "trapped-elm")
        (elm,) = found("elm")
    finally:
        sys.path.remove(str(source))
    assert elm.problems == ()
    assert "trapped_elm" not in sys.modules


def test_an_editable_plugin_behind_a_finder_is_found(
    site: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As setuptools does it: a finder that maps the package to its folder."""
    folder = tmp_path_factory.mktemp("source") / "src"
    folder.mkdir()
    (folder / "__init__.py").write_text(TRAP)
    (folder / "manifest.toml").write_text(MANIFEST.format(name="fir"))
    register(site, "fir", "trapped_fir", "trapped-fir")

    class Finder:
        @staticmethod
        def find_spec(name: str, _path: object = None, _target: object = None) -> importlib.machinery.ModuleSpec | None:
            if name != "trapped_fir":
                return None
            return importlib.util.spec_from_file_location(
                name, folder / "__init__.py", submodule_search_locations=[str(folder)]
            )

    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, Finder])
    (fir,) = found("fir")
    assert fir.problems == ()
    assert "trapped_fir" not in sys.modules


@pytest.mark.parametrize(
    ("manifest", "said"),
    [
        ("", "manifest.toml is missing from trapped_ash"),
        ("name = ", "not TOML"),
        (MANIFEST.format(name="birch"), "the entry point is called 'ash' and the manifest 'birch'"),
    ],
)
def test_a_manifest_that_cannot_be_used_is_a_problem(site: Path, manifest: str, said: str) -> None:
    """The plugin is found all the same, so that people see what is wrong."""
    install(site, "ash", package="trapped_ash", manifest=manifest)
    (ash,) = [each for each in find_plugins() if each.source == "trapped-ash"]
    assert said in ash.problems[0]


def test_a_package_that_is_gone_is_a_problem(site: Path) -> None:
    """What is left of an uninstalled plugin."""
    register(site, "yew", "trapped_yew", "trapped-yew")
    (yew,) = found("yew")
    assert yew.problems == ("the package trapped_yew cannot be found",)


def test_a_module_is_no_plugin(site: Path) -> None:
    """There is no place for a manifest beside it."""
    (site / "trapped_fig.py").write_text(TRAP)
    found_plugin = found_at("trapped_fig", "fig", "nowhere")
    assert found_plugin.problems == ("trapped_fig is a module, and a plugin must be a package",)


def test_two_distributions_of_one_name_are_both_found(site: Path) -> None:
    """The host refuses both; hiding one would be a lottery."""
    install(site, "lime", package="trapped_lime", distribution="trapped-lime")
    install(site, "lime", package="trapped_other", distribution="trapped-other")
    assert [each.source for each in found("lime")] == ["trapped-lime", "trapped-other"]


def test_a_stale_copy_behind_the_one_that_python_imports_does_not_count(
    site: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One distribution on two folders of the path is one plugin."""
    behind = tmp_path_factory.mktemp("behind")
    for folder in (site, behind):
        install(folder, "oak", package="trapped_oak")
    monkeypatch.setattr(sys, "path", [*sys.path, str(behind)])
    assert len(found("oak")) == 1
