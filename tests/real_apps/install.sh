#!/bin/sh
# Install outside apps for the tests, each in a folder of its own.
#   install.sh NAME...           install what is missing or has changed
#   install.sh --check NAME...   only say, by the exit code, whether all is there
set -eu
here=$(cd "$(dirname "$0")" && pwd)
target=$(cd "$here/../.." && pwd)/.real-apps
check=no
if [ "${1:-}" = "--check" ]; then check=yes; shift; fi

# What an installation is made from: another one is wanted when it changes.
wanted_by() {
    case $1 in
    redmine)
        cat "$here/redmine_seeds.rb"
        dpkg-query --show redmine redmine-sqlite ruby-sqlite3 puma 2>/dev/null || echo missing
        ;;
    *) cat "$here/$1/requirements.txt" ;;
    esac | cksum
}

install_python_app() {
    python3 -m venv "$target/$1"
    "$target/$1/bin/python" -m pip install --quiet --disable-pip-version-check \
        --require-hashes --requirement "$here/$1/requirements.txt"
}

# JupyterHub starts a proxy, which is a program of Node.
install_jupyterhub() {
    if ! command -v npm >/dev/null; then
        echo "JupyterHub's proxy needs Node: run \`apt-get install npm\`" >&2
        exit 1
    fi
    install_python_app jupyterhub
    npm install --silent --no-audit --no-fund --no-package-lock \
        --prefix "$target/jupyterhub" configurable-http-proxy@5.3.0
}

# Redmine itself is Debian's. Here are its database, seeded, and what starts it without
# the package's own instance, which only root may read.
install_redmine() {
    if ! dpkg-query --show redmine redmine-sqlite ruby-sqlite3 puma >/dev/null 2>&1; then
        echo "Redmine is not installed: run \`apt-get install redmine redmine-sqlite ruby-sqlite3 puma\`" >&2
        exit 1
    fi
    mkdir -p "$target/redmine/instance/config" "$target/redmine/instance/files" \
        "$target/redmine/instance/log" "$target/redmine/instance/tmp"
    cat >"$target/redmine/Gemfile" <<-'GEMS'
		eval_gemfile "/usr/share/redmine/Gemfile"
		gem "sqlite3", "~> 1.4.0"
		gem "puma"
	GEMS
    printf 'production:\n  adapter: sqlite3\n' >"$target/redmine/instance/config/database.yml"
    echo tests-only-tests-only-tests-only >"$target/redmine/instance/config/secret_key.txt"
    (
        cd /usr/share/redmine
        export RAILS_ENV=production SCHEMA=/dev/null
        export BUNDLE_GEMFILE="$target/redmine/Gemfile"
        export REDMINE_INSTANCE="../../../..$target/redmine/instance"
        export DATABASE_URL="sqlite3:$target/redmine/pristine.sqlite3"
        bundle exec rake db:migrate >/dev/null
        bundle exec rails runner "$here/redmine_seeds.rb"
    )
}

for name in "$@"; do
    stamp="$target/$name/requirements.stamp"
    wanted=$(wanted_by "$name")
    if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ]; then continue; fi
    if [ "$check" = yes ]; then exit 1; fi
    rm -rf "${target:?}/$name"
    case $name in
    jupyterhub) install_jupyterhub ;;
    redmine) install_redmine ;;
    *) install_python_app "$name" ;;
    esac
    echo "$wanted" >"$stamp"
done
