"""End with 0 if Airflow's api-server has heard of a service lately, else with 1 and a sentence.

The health check of the services that listen on no port. Uses the standard library alone: it runs every half minute, and
importing Airflow would cost seconds each time.

    python3 deploy/is_alive.py scheduler|dag_processor|triggerer http://HOST:PORT
"""

from __future__ import annotations

import json
import sys
import urllib.error
import urllib.request


def main(service: str, address: str) -> int:
    """Exit code: 0 if the service is healthy, 1 if it is not or nobody can tell."""
    try:
        with urllib.request.urlopen(f"{address}/api/v2/monitor/health", timeout=8) as answer:
            status = json.load(answer)[service]["status"]
    except (OSError, ValueError, KeyError) as trouble:
        sys.stderr.write(f"{address} does not tell how {service} is: {type(trouble).__name__}\n")
        return 1
    if status != "healthy":
        sys.stderr.write(f"{service} is {status}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
