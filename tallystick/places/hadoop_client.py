"""The client of a Hadoop file system, and the sentences that its errors become.

Where the file system is and who asks is read from the files and variables of every Hadoop client: HADOOP_CONF_DIR,
HADOOP_USER_NAME, a Kerberos ticket. Apart because paths, and Arrow for tables, ask by it.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from hdfs_native import Client

from tallystick.errors import SetupError

_REACH_SECONDS = 10
_JAVA_ERROR = re.compile(r"\w+Exception")
_OF_THE_WAY = (ConnectionError, TimeoutError, socket.gaierror)


@cache
def client_of(address: str) -> Client:
    """The client for ``hdfs://namenode:port``, or for a name of the Hadoop configuration; SetupError as below."""
    host, _, port = address.partition("://")[2].rpartition(":")
    with told_in_sentences(address):
        if host:
            # The client itself tries for three minutes, which is long for a mistyped address.
            socket.create_connection((host, int(port)), timeout=_REACH_SECONDS).close()
        return Client(address)


@contextmanager
def told_in_sentences(address: str) -> Iterator[None]:
    """Turn the client's errors into a SetupError of one sentence that says what to do.

    FileNotFoundError and FileExistsError pass, and so do errors of this machine's disk.
    """
    try:
        yield
    except (FileNotFoundError, FileExistsError):
        raise
    except OSError as error:
        if error.errno is not None and not isinstance(error, _OF_THE_WAY):
            raise
        fix = "check the address; see whether it is up, and run it again"
        what = f"the file system does not answer: {type(error).__name__}"
        raise SetupError(what, where=address, fix=fix) from None
    except RuntimeError as error:
        told = _JAVA_ERROR.search(str(error))
        fix = "check HADOOP_CONF_DIR, who asks (HADOOP_USER_NAME, the Kerberos ticket), rights and quotas"
        what = f"the file system refused: {told[0] if told else type(error).__name__}"
        raise SetupError(what, where=address, fix=fix) from None
