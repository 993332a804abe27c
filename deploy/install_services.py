"""Write tallystick's systemd units, filled in for this checkout.

Run as root once, and again after the checkout has moved or the units have changed:

    python3 deploy/install_services.py --user tally --settings /etc/tallystick/settings.env
    systemctl daemon-reload && systemctl enable --now tallystick.target

Uses the standard library alone. Starts nothing.
"""

from __future__ import annotations

import argparse
import pwd
import re
import shutil
import stat
import sys
from pathlib import Path

TEMPLATES = Path(__file__).resolve().parent / "systemd"
SYSTEM = Path("/etc/systemd/system")
MARK = re.compile(r"@([A-Z]+)@")


def find_faults(root: Path, user: str, settings: Path) -> list[str]:
    """What keeps the services from starting, one sentence each."""
    faults = []
    if not (root / ".venv" / "bin" / "airflow").exists():
        faults.append(f"{root} has no environment: run `make setup` there")
    if any(character.isspace() or character in "%\"'\\" for character in f"{root}{settings}"):
        faults.append(f"{root} or {settings} has a blank, quote, backslash or % in it: systemd would read it otherwise")
    try:
        pwd.getpwnam(user)
    except KeyError:
        faults.append(f"there is no user {user}: make one, such as `useradd --system --create-home {user}`")
    if not settings.is_file():
        example = TEMPLATES / "settings.env.example"
        faults.append(f"{settings} does not exist: copy {example} to it and fill it in")
    elif settings.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        faults.append(f"{settings} holds secrets and others may read it: chmod 600 {settings}")
    return faults


def fill_in(text: str, values: dict[str, str]) -> str:
    """A unit with its marks replaced; KeyError for a mark that has no value."""
    return MARK.sub(lambda found: values[found.group(1)], text)


def write_units(into: Path, values: dict[str, str]) -> list[str]:
    """Write every unit into a folder; their names, sorted."""
    names = []
    for template in sorted(TEMPLATES.glob("tallystick*")):
        (into / template.name).write_text(fill_in(template.read_text(encoding="utf-8"), values), encoding="utf-8")
        names.append(template.name)
    return names


def main() -> int:
    """Exit code: 0, or 2 when something is missing, with a sentence each on stderr."""
    parser = argparse.ArgumentParser(description="Write tallystick's systemd units, filled in for this checkout.")
    parser.add_argument("--root", type=Path, default=TEMPLATES.parent.parent, help="the checkout (default: this one)")
    parser.add_argument("--user", required=True, help="who runs the services; owns AIRFLOW_HOME and the warehouse")
    parser.add_argument("--settings", type=Path, required=True, help="file of variables, as settings.env.example")
    parser.add_argument("--into", type=Path, default=SYSTEM, help=f"where units are kept (default: {SYSTEM})")
    given = parser.parse_args()
    root, settings = given.root.resolve(), given.settings.resolve()
    faults = find_faults(root, given.user, settings)
    if not given.into.is_dir():
        faults.append(f"{given.into} is no folder: is this machine run by systemd?")
    if faults:
        sys.stderr.writelines(f"error: {fault}\n" for fault in faults)
        return 2
    names = write_units(given.into, {"ROOT": str(root), "USER": given.user, "SETTINGS": str(settings)})
    sys.stdout.write(f"{len(names)} units written to {given.into}\n")
    if shutil.which("systemctl") and given.into == SYSTEM:
        sys.stdout.write("next: systemctl daemon-reload && systemctl enable --now tallystick.target\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
