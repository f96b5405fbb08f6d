#!/usr/bin/env bash
# usage: install-etcd.sh [DIRECTORY]    (default: target/tools of this repository)
#
# Puts a real etcd (3.5.13 or newer) into DIRECTORY for the tests that compare against one, and prints its path.
# The program comes from the Debian package of a newer suite, by way of the machine's own package sources; the
# machine's package state is not touched. Running it again does nothing.
set -euo pipefail

directory=${1:-$(cd "$(dirname "$0")/../.." && pwd)/target/tools}
suites=${ETCD_SUITES:-"sid trixie"}
oldest=3.5.13

version() { "$1" --version 2>/dev/null | sed -n 's/^etcd Version: //p'; }
new_enough() { [ "$(printf '%s\n' "$oldest" "$1" | sort -V | head -n 1)" = "$oldest" ]; }
usable() { [ -x "$1" ] && found=$(version "$1") && [ -n "$found" ] && new_enough "$found"; }

if usable "$directory/etcd"; then
    echo "$directory/etcd"
    exit 0
fi

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# The machine's entries for Debian's main archive, with another suite in their place.
sources() {
    local codename=$1 suite=$2 file
    for file in /etc/apt/sources.list.d/*.sources; do
        [ -f "$file" ] || continue
        awk -v RS= -v ORS='\n\n' -v codename="$codename" -v suite="$suite" '
            $0 ~ "(^|\n)Suites:[^\n]*[ \t]" codename "([ \t\n]|$)" {
                gsub(/(^|\n)#[^\n]*/, ""); sub(/Suites:[^\n]*/, "Suites: " suite); sub(/^\n+/, ""); print
            }' "$file" >>"$scratch/etc/sources.list.d/newer.sources"
    done
    for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
        [ -f "$file" ] || continue
        awk -v codename="$codename" -v suite="$suite" '
            $1 == "deb" { for (i = 2; i <= NF; i++) if ($i == codename) { $i = suite; print; next } }
        ' "$file" >>"$scratch/etc/sources.list"
    done
}

# Downloads the packages named after the suite, unpacks them, and installs their etcd and etcdctl.
install_from() {
    local suite=$1 codename
    codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
    rm -rf "$scratch"/* && mkdir -p "$scratch"/{etc/sources.list.d,lists/partial,cache/archives/partial,debs,root}
    sources "$codename" "$suite"
    local options=(-q -q
        -o "Dir::Etc::sourcelist=$scratch/etc/sources.list"
        -o "Dir::Etc::sourceparts=$scratch/etc/sources.list.d"
        -o "Dir::State::lists=$scratch/lists"
        -o "Dir::Cache=$scratch/cache"
        -o "APT::Sandbox::User=$(id -un)"
        -o "APT::Default-Release="
        -o "APT::Update::Post-Invoke-Success::=true"
        -o "Acquire::Languages=none")
    touch "$scratch/etc/sources.list"
    apt-get "${options[@]}" update >&2 || return 1
    (cd "$scratch/debs" && apt-get "${options[@]}" download etcd-server etcd-client >&2) || return 1
    local package
    for package in "$scratch"/debs/*.deb; do dpkg-deb -x "$package" "$scratch/root"; done
    usable "$scratch/root/usr/bin/etcd" || return 1
    mkdir -p "$directory"
    install -m 755 "$scratch/root/usr/bin/etcd" "$directory/etcd.new" && mv "$directory/etcd.new" "$directory/etcd"
    install -m 755 "$scratch/root/usr/bin/etcdctl" "$directory/etcdctl"
}

for suite in $suites; do
    if install_from "$suite"; then
        echo "$directory/etcd"
        exit 0
    fi
done
echo "no etcd $oldest or newer in any of: $suites" >&2
exit 1
