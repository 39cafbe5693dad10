#!/bin/sh
# Install outside apps for the tests, each in an environment of its own.
#   install.sh NAME...           install what is missing or has changed
#   install.sh --check NAME...   only say, by the exit code, whether all is there
set -eu
here=$(cd "$(dirname "$0")" && pwd)
target=$(cd "$here/../.." && pwd)/.real-apps
check=no
if [ "${1:-}" = "--check" ]; then check=yes; shift; fi

for name in "$@"; do
    requirements="$here/$name/requirements.txt"
    wanted=$(cksum <"$requirements")
    stamp="$target/$name/requirements.stamp"
    if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ]; then continue; fi
    if [ "$check" = yes ]; then exit 1; fi
    rm -rf "${target:?}/$name"
    python3 -m venv "$target/$name"
    "$target/$name/bin/python" -m pip install --quiet --disable-pip-version-check \
        --require-hashes --requirement "$requirements"
    echo "$wanted" >"$stamp"
done
