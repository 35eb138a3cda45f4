"""Bundles the browser's files: `python -m web.assets.build`; instant when nothing changed."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ASSETS = Path(__file__).parent
SOURCES = ASSETS / "src"
STATIC = ASSETS.parent / "static"
BUILD = STATIC / "build"
MANIFEST = "manifest.json"
STAMP = "sources.sha256"
ENTRIES = {"app.js": SOURCES / "main.ts", "app.css": SOURCES / "app.css"}
DENO_SECONDS_MAX = 120


class BuildFailed(Exception):  # noqa: N818 - a failure is named by what happened
    """The bundler refused; its own words say why."""


def build(target: Path = BUILD) -> bool:
    """Build into `target` unless it holds just these sources; returns whether it was built."""
    fingerprint = _fingerprint()
    stamp = target / STAMP
    if stamp.is_file() and stamp.read_text() == fingerprint:
        return False
    with tempfile.TemporaryDirectory(dir=_parent(target)) as scratch:
        made = Path(scratch) / "build"
        made.mkdir()
        _bundle(made)
        (made / STAMP).write_text(fingerprint)
        shutil.rmtree(target, ignore_errors=True)
        made.rename(target)
    return True


def deno() -> Path:
    """The bundler that was installed beside this Python. Raises BuildFailed if it was not."""
    name = "deno.exe" if os.name == "nt" else "deno"
    found = Path(sys.executable).parent / name
    if not found.is_file():
        raise BuildFailed(f"{name} was not found beside this Python: run `make bootstrap`")
    return found


def deno_environment() -> dict[str, str]:
    """Without a look for newer versions, which would need the network."""
    return {**os.environ, "DENO_NO_UPDATE_CHECK": "1", "NO_COLOR": "1"}


def _bundle(made: Path) -> None:
    manifest = {}
    for name, entry in ENTRIES.items():
        content = _bundled(entry) if entry.suffix == ".ts" else _squeezed(entry.read_text())
        hashed = f"{Path(name).stem}-{hashlib.sha256(content).hexdigest()[:12]}{Path(name).suffix}"
        (made / hashed).write_bytes(content)
        manifest[name] = hashed
    (made / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n")


def _bundled(entry: Path) -> bytes:
    """One script with everything it imports, type-checked first."""
    _deno("check", "-q", str(entry))
    with tempfile.TemporaryDirectory() as scratch:
        output = Path(scratch) / "out.js"
        _deno("bundle", "-q", "--platform=browser", "--minify", f"--output={output}", str(entry))
        return output.read_bytes()


def _squeezed(css: str) -> bytes:
    """The sheet without indentation; comments stay out of the way of nobody."""
    return "\n".join(line.strip() for line in css.splitlines() if line.strip()).encode()


def _deno(command: str, *arguments: str) -> None:
    config = f"--config={ASSETS / 'deno.json'}"
    done = subprocess.run(  # noqa: S603 - the bundler by its full path, arguments as a list
        [str(deno()), command, config, *arguments],
        env=deno_environment(),
        cwd=ASSETS,
        capture_output=True,
        text=True,
        timeout=DENO_SECONDS_MAX,
        check=False,
    )
    if done.returncode != 0:
        raise BuildFailed(f"deno {command} failed:\n{done.stderr.strip()}")


def _fingerprint() -> str:
    """SHA-256 over the sources, the lock and this program."""
    hasher = hashlib.sha256()
    files = [*SOURCES.rglob("*"), ASSETS / "deno.json", ASSETS / "deno.lock", Path(__file__)]
    for path in sorted(file for file in files if file.is_file()):
        content = path.read_bytes()
        name = path.relative_to(ASSETS).as_posix().encode()
        for part in (name, content):
            hasher.update(len(part).to_bytes(8, "big") + part)
    return hasher.hexdigest()


def _parent(target: Path) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    return target.parent


def main() -> int:
    """Build, and say so in one line."""
    try:
        was_built = build()
    except (BuildFailed, OSError, subprocess.TimeoutExpired) as error:
        sys.stderr.write(f"the assets were not built: {error}\n")
        return 1
    sys.stdout.write("assets built\n" if was_built else "assets unchanged\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
