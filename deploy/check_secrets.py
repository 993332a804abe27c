"""Refuse to start with secrets that nobody chose.

Reads the environment of Airflow's services. Says which variable is wrong and what it must be, never its value.

    python3 deploy/check_secrets.py
"""

from __future__ import annotations

import base64
import binascii
import os
import re
import sys

FERNET = "AIRFLOW__CORE__FERNET_KEY"
JWT = "AIRFLOW__API_AUTH__JWT_SECRET"
# Addresses of databases. Neither variable need be set, MLflow's may name a folder, and SQLite has no password.
DATABASES = ("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "MLFLOW_BACKEND_STORE_URI")
NO_PASSWORD = re.compile(r"[^:]*|(sqlite(\+[a-z]+)?|file):.*", re.DOTALL)
# Every other sign may end the password, or stand for another one, for one of those who read the address.
WITH_PASSWORD = re.compile(r"[a-z]+(\+[a-z0-9]+)?://[A-Za-z0-9_.-]+:([A-Za-z0-9]+)@[^@]+")
PLACEHOLDER = re.compile(
    r"change|replac|exampl|secret|passw|default|placeholder|insert|choose|generate|dummy|sample|qwerty|letmein|"
    r"fixme|to[-_ ]?do[-_ ]|fill[-_ ]?(me|in|this)|your?[-_ ]|tallystick|postgres|airflow",
    re.IGNORECASE,
)
# Digits and signs that people write for letters.
LETTERS = str.maketrans("01345789@$", "oieastbgas")
DRAW_FERNET = 'python3 -c "import base64, os; print(base64.urlsafe_b64encode(os.urandom(32)).decode())"'


def is_weak(text: str, least: int) -> bool:
    """Whether a secret is short, one repeated piece, or a word that stands for a secret."""
    return len(text) < least or len(set(text)) < 8 or is_placeholder(text)


def is_placeholder(text: str) -> bool:
    """Whether a text has a word that stands for a secret, in any case and with digits for letters."""
    return any(PLACEHOLDER.search(written) for written in (text, text.translate(LETTERS)))


def is_weak_address(text: str) -> bool:
    """Whether a database's address has no password that was chosen, or one that could be read as another."""
    if NO_PASSWORD.fullmatch(text):
        return False
    found = WITH_PASSWORD.fullmatch(text)
    return found is None or is_weak(found[2], 12)


def find_faults(environment: dict[str, str]) -> list[str]:
    """One sentence per secret that is missing or was not chosen; none if all are well."""
    faults = []
    text = environment.get(FERNET, "")
    try:
        key = base64.urlsafe_b64decode(text)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != 32 or is_weak(key.decode("latin-1"), 32) or is_placeholder(text):
        faults.append(f"{FERNET} is not 32 random bytes in base64: draw it with {DRAW_FERNET}")
    if is_weak(environment.get(JWT, ""), 32):
        faults.append(f"{JWT} is not a secret of 32 or more random characters")
    faults += [
        f"the password of the database in {name} is not one of 12 or more random letters and digits (A-Z, a-z, 0-9)"
        for name in DATABASES
        if is_weak_address(environment.get(name, ""))
    ]
    return faults


if __name__ == "__main__":
    FAULTS = find_faults(dict(os.environ))
    sys.stderr.writelines(f"{fault}\n" for fault in FAULTS)
    sys.exit(1 if FAULTS else 0)
