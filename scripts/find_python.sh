#!/bin/sh
# Print the first Python 3.11 or 3.12 that really runs. A name on PATH proves nothing: pyenv's shims exist for
# versions that are not switched on. PYTHON=/path/to/python3.12 names one outright.
good='import sys; sys.exit(not ((3, 11) <= sys.version_info[:2] < (3, 13)))'
for candidate in "${PYTHON:-}" python3.11 python3.12 python3 python /usr/bin/python3.11 /usr/bin/python3.12 /usr/bin/python3; do
    [ -n "$candidate" ] || continue
    if "$candidate" -c "$good" 2>/dev/null; then
        "$candidate" -c 'import sys; print(sys.executable)'
        exit 0
    fi
    if [ -n "${PYTHON:-}" ] && [ "$candidate" = "$PYTHON" ]; then
        echo "error: PYTHON=$PYTHON is not a Python 3.11 or 3.12 that runs: name another one, or unset PYTHON." >&2
        exit 2
    fi
done
echo "error: No Python 3.11 or 3.12 was found: install one, or name it: make PYTHON=/path/to/python3.12 ..." >&2
exit 2
