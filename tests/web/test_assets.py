import json
import re
from pathlib import Path

import pytest

from web.assets import build as assets
from web.rendering import AssetsMissing, read_manifest


def test_a_build_names_files_after_their_content_and_is_not_repeated(tmp_path: Path) -> None:
    target = tmp_path / "build"
    assert assets.build(target)
    manifest = json.loads((target / "manifest.json").read_text())
    assert set(manifest) == {"app.js", "app.css"}
    for name in manifest.values():
        assert re.fullmatch(r"app-[0-9a-f]{12}\.(js|css)", name)
        assert (target / name).stat().st_size > 1000
    assert not assets.build(target)


def test_two_builds_of_the_same_sources_are_the_same(tmp_path: Path) -> None:
    assert assets.build(tmp_path / "one")
    assert assets.build(tmp_path / "two")
    assert read_manifest(tmp_path / "one" / "manifest.json") == read_manifest(
        tmp_path / "two" / "manifest.json"
    )


def test_a_failed_build_leaves_the_old_one_in_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "build"
    assets.build(target)
    (target / assets.STAMP).write_text("older")
    broken = tmp_path / "broken.ts"
    broken.write_text("const x: number = 'text';")
    monkeypatch.setitem(assets.ENTRIES, "app.js", broken)
    with pytest.raises(assets.BuildFailed, match="deno check"):
        assets.build(target)
    assert (target / "manifest.json").is_file()


def test_the_lock_has_hashes_and_no_address() -> None:
    lock = (assets.ASSETS / "deno.lock").read_text()
    assert "://" not in lock
    assert "sha512-" in lock


def test_missing_assets_say_how_to_build_them(tmp_path: Path) -> None:
    with pytest.raises(AssetsMissing, match=r"python -m web\.assets\.build"):
        read_manifest(tmp_path / "manifest.json")
