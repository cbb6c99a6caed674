# Sourced by the other scripts: makes .venv once and installs into it what is missing. Needs only Python 3.11 or newer.
#
# `install NAME REQUIREMENT…` runs pip only when the files that decide the outcome have changed since it last worked, so
# that a second start takes no time and no network.

cd "$(dirname "${BASH_SOURCE[0]}")/.."
venv="${POLYCHAT_VENV:-$PWD/.venv}"
constraints="${POLYCHAT_CONSTRAINTS:-constraints.txt}"

die() {
    echo "polychat: $*" >&2
    exit 1
}

find_python() {
    local candidate
    for candidate in "${PYTHON:-}" python3 python3.13 python3.12 python3.11; do
        if [ -n "$candidate" ] && "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    die "needs Python 3.11 or newer; install it, or name it: PYTHON=/path/to/python3.11 $0"
}

make_venv() {
    [ -x "$venv/bin/python" ] && "$venv/bin/python" -c 'import pip' 2>/dev/null && return
    local python
    python=$(find_python) || exit 1
    echo "making the environment in ${venv/#$PWD\//} …"
    "$python" -m venv --clear "$venv" || die "cannot make $venv; on Debian: apt-get install python3-venv"
}

fingerprint() {
    cat pyproject.toml "$constraints" | cksum
    echo "$PWD $*"
    "$venv/bin/python" -V
}

install() {
    local name=$1 stamp="$venv/.installed-$1"
    shift
    make_venv
    if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$(fingerprint "$@")" ]; then
        return
    fi
    echo "installing $name …"
    "$venv/bin/python" -m pip install --quiet --quiet --disable-pip-version-check --constraint "$constraints" "$@" ||
        die "pip could not install $name; its last lines above say why"
    fingerprint "$@" > "$stamp"
}
