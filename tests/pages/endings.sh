# Runs the program to each of its endings on a mock, once as a workflow does and once at a terminal: what each writes is left in
# $1/summaries/NAME.md and $1/terminal/NAME.ansi. `promote` must be on the path.
set -euo pipefail
out=$1
mkdir -p "$out/summaries" "$out/terminal"
promote demo --keep "$out/try" >/dev/null 2>&1
base=$out/try/promote.toml
payload=$out/try/payload.json

# ending NAME EXIT-CODE COMMAND [OPTION OF THE MOCK…]: the command is one for a shell, in which $config is the configuration.
ending() {
    local name=$1 code=$2 command=$3 got
    shift 3
    export config=$out/$name.toml payload again=$out/again.json
    [ -e "$config" ] || cp "$base" "$config"
    got=0
    env GITHUB_ACTIONS=true GITHUB_STEP_SUMMARY="$out/summaries/$name.md" GITHUB_SERVER_URL=https://github.com \
        GITHUB_REPOSITORY=acme/gitops GITHUB_RUN_ID=1 \
        promote mock "$@" -- sh -c "$command" >"$out/$name.log" 2>&1 || got=$?
    [ "$got" = "$code" ] || { cat "$out/$name.log" >&2; echo "$name ended with $got, not $code" >&2; exit 1; }
    [ -s "$out/summaries/$name.md" ] || { cat "$out/$name.log" >&2; echo "$name has no summary" >&2; exit 1; }
    printf '$ %s\n' "${command##*; }" | sed "s|\$config|promote.toml|; s|\$payload|payload.json|; s|\$again|again.json|" >"$out/terminal/$name.ansi"
    promote mock "$@" -- sh -c "${command//promote /promote --color always }" >>"$out/terminal/$name.ansi" 2>&1 || true
}

# with NAME TOML: the configuration of an ending, with this before its grants.
with() {
    awk -v more="$2" '/^\[\[grants\]\]/ && !done { print more "\n"; done = 1 } { print }' "$base" >"$out/$1.toml"
}

run='promote run --config $config --payload $payload'
ending promoted 0 "$run"
ending planned 0 'promote plan --config $config --payload $payload'
ending waiting 0 "$run" --approvals 1
ending unchanged 0 "$run >/dev/null 2>&1; "'id=$(promote start web); printf "{\"run_id\": \"%s\"}" "$id" >"$again"; promote run --config $config --payload $again'
with refused '[policy.settings.freeze]
windows = ["* * * * *"]'
ending refused 1 "$run"
with failed '[limits]
wall = "5s"'
ending failed 3 "export GITHUB_API_URL=http://127.0.0.1:9; $run"
with limit '[limits]
calls = 3'
ending limit 4 "$run"
awk '/^\[\[grants\]\]/ { exit } { print }' "$base" >"$out/violation.toml"
cat >>"$out/violation.toml" <<'TOML'
[[grants]]
allow = ["run.note"]

[[grants]]
allow = ["port.get-entity"]
blueprint = ["service"]
TOML
ending violation 4 "$run"
