#!/usr/bin/env bash
# Builds a package for Linux: an archive with a static executable, what a service or an image needs, the documents, and
# checksums.
#
#   bin/packaging/package.sh DIRECTORY    which must not exist
#
# The executable is linked with the C library of this system, statically, so it runs on any Linux of this architecture.
# STEERSMAN_PROFILE names another profile of cargo than `release`, for a try.
set -euo pipefail
cd "$(dirname "$0")/../.."

directory=${1:?usage: package.sh DIRECTORY}
profile=${STEERSMAN_PROFILE:-release}
[ ! -e "$directory" ] || { echo "$directory exists" >&2 && exit 1; }
host=$(rustc --version --verbose | sed -n 's/^host: //p')
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
name=steersman-$version-$host

# With a target named, build scripts and procedural macros are not linked statically, which they cannot be.
RUSTFLAGS='-C target-feature=+crt-static' cargo build --profile "$profile" --target "$host" -p steersman
# Cargo's folder of the profile `dev` is called `debug`.
executable=${CARGO_TARGET_DIR:-target}/$host/${profile/#dev/debug}/steersman
if ldd "$executable" 2>&1 | grep -q '=>'; then
    echo "the executable needs libraries" >&2
    exit 1
fi

mkdir -p "$directory/$name"
install -m 755 "$executable" "$directory/$name/steersman"
strip "$directory/$name/steersman"
ln -s steersman "$directory/$name/kube-apiserver"
cp bin/packaging/{Containerfile,steersman.service,kube-apiserver.yaml} README.md BENCHMARKS.md LICENSE "$directory/$name"
cp -R docs "$directory/$name"
mkdir "$directory/$name/man" "$directory/$name/completion"
"$directory/$name/steersman" man "$directory/$name/man"
for shell in bash zsh fish; do
    "$directory/$name/steersman" completion "$shell" >"$directory/$name/completion/$shell"
done
# The same input makes the same archive.
when=$(git log -1 --format=%ct 2>/dev/null || echo 0)
tar --create --gzip --file "$directory/$name.tar.gz" --directory "$directory" --sort=name --owner=0 --group=0 \
    --numeric-owner --mtime="@$when" "$name"
cd "$directory"
sha256sum "$name.tar.gz" "$name/steersman" >SHA256SUMS
cat SHA256SUMS
