#!/bin/sh
# Installs promote @VERSION@ into ~/.local/bin, or into the folder that PROMOTE_BIN names: fetches the archive for this
# machine, holds it against its checksum, unpacks the program.
set -eu

give_up() { printf 'promote is not installed: %s\n' "$*" >&2; exit 1; }

# All of it is a function, so that a file that was cut off on its way runs nothing.
main() {
    version=@VERSION@
    sums='@SUMS@'
    case "$(uname -s)/$(uname -m)" in
        Linux/x86_64) target=x86_64-unknown-linux-gnu ;;
        Linux/aarch64 | Linux/arm64) target=aarch64-unknown-linux-gnu ;;
        Darwin/arm64) target=aarch64-apple-darwin ;;
        Darwin/x86_64) target=x86_64-apple-darwin ;;
        *) give_up "there is no release for $(uname -s) on $(uname -m): Linux and macOS on x86_64 and arm64" ;;
    esac
    archive=promote-$version-$target.tar.xz
    expected=$(printf '%s\n' "$sums" | awk -v file="$archive" '$2 == file { print $1 }')
    here=$(mktemp -d)
    trap 'rm -rf "$here"' EXIT
    curl --fail --silent --show-error --location --proto '=https' --tlsv1.2 --retry 3 --output "$here/$archive" \
        "@RELEASES@/v$version/$archive" || give_up "$archive could not be fetched from @RELEASES@/v$version"
    if command -v sha256sum >/dev/null; then found=$(sha256sum "$here/$archive"); else found=$(shasum -a 256 "$here/$archive"); fi
    [ "${found%% *}" = "$expected" ] || give_up "$archive has the SHA-256 ${found%% *}, not $expected"
    bin=${PROMOTE_BIN:-$HOME/.local/bin}
    mkdir -p "$bin"
    tar -xf "$here/$archive" -C "$here" promote ||
        give_up "$archive could not be unpacked: tar needs xz (Debian and Ubuntu: apt-get install xz-utils)"
    mv "$here/promote" "$bin/promote"
    "$bin/promote" --version
    case ":$PATH:" in *":$bin:"*) ;; *) echo "$bin is not on your PATH: add it, or call $bin/promote" ;; esac
}

main
