#!/bin/bash
# Runs every fuzz target under libFuzzer: fuzz.sh [SECONDS each].
#
# The targets are the bolero tests of the workspace; `cargo test` plays them for a moment on stable.
# libFuzzer needs coverage instrumentation, which stable accepts behind RUSTC_BOOTSTRAP. A crash is
# written under the crate's __fuzz__ folder: make it a case, then fix it.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-60}
target=${CARGO_TARGET_DIR:-target}
tools=$target/tools
bolero=$tools/bin/cargo-bolero
if [ ! -x "$bolero" ]; then
    CARGO_TARGET_DIR=$tools/build cargo install cargo-bolero --version 0.13.5 --locked \
        --no-default-features --features libfuzzer --root "$tools"
fi

found=0
for crate in $(grep -l '^bolero' --include=Cargo.toml -r apps pipeline surfaces foundation); do
    package=$(sed -n 's/^name = "\(.*\)"/\1/p' "$crate" | head -1)
    while read -r test; do
        [ -n "$test" ] || continue
        found=$((found + 1))
        echo "=== $package $test, ${seconds} s"
        "$bolero" bolero test --rustc-bootstrap --sanitizer NONE --engine libfuzzer \
            --time "${seconds}s" -p "$package" "$test"
    done < <("$bolero" bolero list --rustc-bootstrap -p "$package" |
        sed -n 's/.*"test":"\([^"]*\)".*/\1/p')
done
echo "$found fuzz targets ran for $seconds s each"
[ "$found" -gt 0 ]
