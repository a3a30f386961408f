"""Makes the virtual environment. Run by the system's Python, so: standard library, and readable errors on an old one."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
MINIMUM = (3, 11)


def install(requirements: str) -> None:
    """Creates `.venv` where it is missing and installs one of the lock files into it, unless that was done before.

    pip checks every file against the hashes of the lock.
    """
    lock = ROOT / requirements
    stamp = VENV / f".installed-{lock.stem}"
    wanted = hashlib.sha256(lock.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        stamp.touch()
        return
    if sys.version_info < MINIMUM:
        oldest = ".".join(map(str, MINIMUM))
        found = sys.version.split()[0]
        sys.exit(f"Python {oldest} or newer is needed; {sys.executable} is {found}. Try: make PYTHON=python{oldest} up")
    python = VENV / "bin" / "python"
    if not python.exists():
        print(f"  making {VENV.name} with Python {sys.version.split()[0]}", file=sys.stderr)
        made = subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=False)
        if made.returncode:
            sys.exit("The virtual environment could not be made. On Debian and Ubuntu: apt-get install python3-venv")
    print(f"  installing {requirements}", file=sys.stderr)
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes", "-r", str(lock)]
    if subprocess.run(pip, check=False, env={**os.environ, "PIP_NO_INPUT": "1"}).returncode:
        sys.exit(f"{requirements} could not be installed; pip's message is above. Is the package index reachable?")
    stamp.write_text(wanted)


if __name__ == "__main__":
    install(sys.argv[1])
