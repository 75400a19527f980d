# shellcheck shell=bash disable=SC2154  # root: set by whoever sources this
# Sourced by ./demo and ./test: what a fresh Debian 12 needs before anything of ours runs.
# Uses $root, the top of the tree. Everything goes to stderr: stdout belongs to the caller.

say() { printf '%s\n' "$*" >&2; }

# sudo may ask for a password only where somebody can answer.
sudo_quietly() {
    if [ -t 2 ] && [ -r /dev/tty ]; then sudo "$@"; else sudo -n "$@"; fi
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo_quietly "$@"; fi
}

missing_packages() {
    local name
    grep -v '^#' "$root/cmake/packages.txt" | while read -r name; do
        [ "$(dpkg-query -W -f='${db:Status-Status}' "$name" 2>/dev/null)" = installed ] || printf '%s ' "$name"
    done
}

# postgresql-15 would make and start a cluster of its own; we only want its programs. The drop-in is
# there only while the package is configured.
install_packages() {
    local missing drop_in=/etc/postgresql-common/createcluster.d/tapline-no-main-cluster.conf
    missing=$(missing_packages)
    [ -n "$missing" ] || return 0
    if [ "$(id -u)" != 0 ] && ! sudo_quietly true; then
        say "These Debian packages are missing and we are neither root nor can we use sudo:"
        say "  apt-get install $missing"
        return 1
    fi
    say "installing: $missing"
    as_root mkdir -p "${drop_in%/*}"
    echo "create_main_cluster = false" | as_root tee "$drop_in" >/dev/null
    local apt="env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get -q -y -o DPkg::Lock::Timeout=300"
    apt="$apt -o Dpkg::Options::=--force-confold -o Acquire::Retries=3"
    local ok=0
    # shellcheck disable=SC2086  # both are lists of words
    { as_root $apt update && as_root $apt install --no-install-recommends $missing; } >&2 </dev/null || ok=1
    as_root rm -f "$drop_in"
    [ $ok = 0 ] || say "apt-get failed; its message stands above"
    return $ok
}

# A compiler job of the largest unit takes about 1.5 GiB.
build_jobs() {
    local cores by_memory
    cores=$(nproc)
    by_memory=$(awk '/^MemAvailable:/ {print int($2 / 1572864)}' /proc/meminfo)
    [ "$by_memory" -ge 1 ] || by_memory=1
    [ "$cores" -lt "$by_memory" ] && echo "$cores" || echo "$by_memory"
}

use_ccache() {
    command -v ccache >/dev/null || return 0
    export TAPLINE_COMPILER_LAUNCHER=ccache
    export CCACHE_DIR="${CCACHE_DIR:-${XDG_CACHE_HOME:-${HOME:-/var/tmp}/.cache}/tapline-ccache}"
    # Another clone of the tree hits the same cache.
    export CCACHE_BASEDIR="${CCACHE_BASEDIR:-$root}" CCACHE_NOHASHDIR=1
}

# Runs a command quietly; its output is shown only when it fails.
quietly() {
    local log
    log=$(mktemp)
    if ! "$@" >"$log" 2>&1; then
        cat "$log" >&2
        rm -f "$log"
        say "failed: $*"
        return 1
    fi
    rm -f "$log"
}

# configure_preset <preset> [-D...]
configure_preset() { quietly cmake --preset "$@"; }

# build_preset <preset> [target...]
build_preset() {
    local preset=$1 targets=()
    shift
    [ $# = 0 ] || targets=(--target "$@")
    quietly cmake --build --preset "$preset" -j "$(build_jobs)" "${targets[@]}"
}
