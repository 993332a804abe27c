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
from urllib.parse import urlsplit

FERNET = "AIRFLOW__CORE__FERNET_KEY"
JWT = "AIRFLOW__API_AUTH__JWT_SECRET"
DATABASE = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"
PLACEHOLDER = re.compile(r"change[-_ ]?(me|this|it)|example|secret|password", re.IGNORECASE)
DRAW_FERNET = 'python3 -c "import base64, os; print(base64.urlsafe_b64encode(os.urandom(32)).decode())"'


def is_weak(text: str, least: int) -> bool:
    """Whether a secret is short, one repeated piece, or a word that stands for a secret."""
    return len(text) < least or len(set(text)) < 8 or PLACEHOLDER.search(text) is not None


def find_faults(environment: dict[str, str]) -> list[str]:
    """One sentence per secret that is missing or was not chosen; none if all are well."""
    faults = []
    try:
        key = base64.urlsafe_b64decode(environment.get(FERNET, ""))
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != 32 or is_weak(key.decode("latin-1"), 32):
        faults.append(f"{FERNET} is not 32 random bytes in base64: draw it with {DRAW_FERNET}")
    if is_weak(environment.get(JWT, ""), 32):
        faults.append(f"{JWT} is not a secret of 32 or more random characters")
    database = urlsplit(environment.get(DATABASE, ""))
    if database.scheme.startswith("postgresql") and is_weak(database.password or "", 12):
        faults.append(f"the password of the database in {DATABASE} is not one of 12 or more random letters and digits")
    return faults


if __name__ == "__main__":
    FAULTS = find_faults(dict(os.environ))
    sys.stderr.writelines(f"{fault}\n" for fault in FAULTS)
    sys.exit(1 if FAULTS else 0)
