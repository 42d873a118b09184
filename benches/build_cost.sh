#!/usr/bin/env bash
# What nalgrad adds to a clean build of a crate that uses nalgebra: seconds of CPU, median of some rounds.
#
#     bash benches/build_cost.sh [ROUNDS]        # 3 unless told
#
# The crates are built in turn in a temporary folder; serde_derive stands beside nalgrad for comparison.
set -euo pipefail

rounds=${1:-3}
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset CARGO_TARGET_DIR RUSTFLAGS

# crate NAME DEPENDENCY SOURCE
crate() {
    mkdir -p "$work/$1/src"
    cat > "$work/$1/Cargo.toml" <<TOML
[package]
name = "$1"
version = "0.0.0"
edition = "2024"

[lib]
path = "src/lib.rs"

[dependencies]
nalgebra = "0.35"
$2

[workspace]
TOML
    echo "$3" > "$work/$1/src/lib.rs"
    cp "$root/Cargo.lock" "$work/$1/Cargo.lock"
    cargo fetch --quiet --manifest-path "$work/$1/Cargo.toml"
}

cost='pub fn cost(w: &nalgebra::DVector<f64>, x: &nalgebra::DMatrix<f64>, y: &nalgebra::DVector<f64>) -> f64 {
    (x * w - y).norm_squared()
}'
crate plain "" "$cost"
crate with_nalgrad "nalgrad = { path = \"$root/runtime\" }" "#[nalgrad::gradient(wrt(w))] $cost"
crate with_serde_derive 'serde_derive = "1"' "$cost"

# cpu NAME: user and system seconds of a clean build.
cpu() {
    rm -rf "$work/$1/target"
    local TIMEFORMAT='%U %S'
    { time cargo build --quiet --offline --manifest-path "$work/$1/Cargo.toml" 2> "$work/errors" || cat "$work/errors" > "$work/failed"; } 2>&1 |
        awk '{ printf "%.2f\n", $1 + $2 }' >> "$work/$1.seconds"
    if [ -s "$work/failed" ]; then
        cat "$work/failed" >&2
        exit 1
    fi
}

for ((round = 0; round < rounds; round++)); do
    for name in plain with_nalgrad with_serde_derive; do
        cpu "$name"
    done
done

median() {
    sort -n "$work/$1.seconds" | sed -n "$(((rounds + 1) / 2))p"
}

plain=$(median plain)
echo "| crate | CPU seconds | more |"
echo "|---|--:|--:|"
for name in plain with_nalgrad with_serde_derive; do
    awk -v name="$name" -v seconds="$(median "$name")" -v plain="$plain" \
        'BEGIN { printf "| %s | %.2f | %.2f |\n", name, seconds, seconds - plain }'
done
