# Runs the program to each of its endings on a mock, once as a workflow does and once at a terminal: what each writes is left in
# $1/summaries/NAME.md and $1/terminal/NAME.ansi. `promote` must be on the path, $CRASHING a policy that crashes.
set -euo pipefail
out=$1
mkdir -p "$out/summaries" "$out/terminal"
promote demo --keep "$out/try" >/dev/null 2>&1
base=$out/try/promote.toml
payload=$out/try/payload.json
# The mock has no pages for people; summaries and terminals have links to those of GitHub.
github='export GITHUB_SERVER_URL=https://github.com'

# ending NAME OUTCOME EXIT-CODE COMMAND [OPTION OF THE MOCK…]: the outcome is the output of the step, - if there is none. The
# command is one for a shell, in which $config is the configuration. What was typed is shown as its last part, after a
# semicolon, unless $typed says otherwise.
ending() {
    local name=$1 outcome=$2 code=$3 command=$4 got
    shift 4
    export config=$out/$name.toml payload again=$out/again.json journal=$out/$name.jsonl
    [ -e "$config" ] || cp "$base" "$config"
    got=0
    env GITHUB_ACTIONS=true GITHUB_STEP_SUMMARY="$out/summaries/$name.md" GITHUB_OUTPUT="$out/$name.outputs" \
        GITHUB_REPOSITORY=acme/gitops GITHUB_RUN_ID=1 \
        promote mock "$@" -- sh -c "$github; $command" >"$out/$name.log" 2>&1 || got=$?
    [ "$got" = "$code" ] || { cat "$out/$name.log" >&2; echo "$name ended with $got, not $code" >&2; exit 1; }
    [ -s "$out/summaries/$name.md" ] || { cat "$out/$name.log" >&2; echo "$name has no summary" >&2; exit 1; }
    [ "$outcome" = - ] || grep -qx "$outcome" "$out/$name.outputs" || { cat "$out/$name.outputs" >&2; echo "$name is not $outcome" >&2; exit 1; }
    rm -f "$journal"
    printf '$ %s\n' "${typed:-${command##*; }}" | sed "s|\$config|promote.toml|; s|\$payload|payload.json|; s|\$again|again.json|" >"$out/terminal/$name.ansi"
    promote mock "$@" -- sh -c "$github; ${command//promote /promote --color always }" >>"$out/terminal/$name.ansi" 2>&1 || true
}

# with NAME TOML: the configuration of an ending, with this before its grants.
with() {
    awk -v more="$2" '/^\[\[grants\]\]/ && !done { print more "\n"; done = 1 } { print }' "$base" >"$out/$1.toml"
}

run='promote run --config $config --payload $payload'
ending promoted promoted 0 "$run"
ending planned would-promote 0 'promote plan --config $config --payload $payload'
ending waiting waiting 0 "$run" --approvals 1
with planned-waiting '[policy.settings.approvals]'
ending planned-waiting would-wait 0 'promote plan --config $config --payload $payload' --approvals 1
# The first run is over before the one that is shown.
first="GITHUB_STEP_SUMMARY= GITHUB_OUTPUT= $run >/dev/null 2>&1"
ending unchanged unchanged 0 "$first; "'id=$(promote start web); printf "{\"run_id\": \"%s\"}" "$id" >"$again"; promote run --config $config --payload $again'
approve='curl -fs -H "Authorization: Bearer $REVIEWER_TOKEN" -d "{\"event\": \"APPROVE\"}" "$GITHUB_API_URL/repos/acme/gitops/pulls/1/reviews" >/dev/null'
ending resumed - 0 "$first; $approve; promote resume --config \$config" --approvals 1
with refused '[policy.settings.freeze]
windows = ["* * * * *"]'
ending refused refused 1 "$run"
with failed '[limits]
wall = "5s"'
ending failed failed 3 "export GITHUB_API_URL=http://127.0.0.1:9; $run"
# It is stopped once it has begun, as a runner does when somebody cancels the job.
typed="$run" ending cancelled cancelled 3 'promote run --config $config --payload $payload --journal $journal & run=$!
    until grep -qs "\"read-file\"" $journal; do sleep 0.02; done
    kill -INT $run; wait $run' --latency 500
with limit '[limits]
calls = 3'
ending limit limit 4 "$run"
awk '/^\[\[grants\]\]/ { exit } { print }' "$base" >"$out/violation.toml"
cat >>"$out/violation.toml" <<'TOML'
[[grants]]
allow = ["run.note"]

[[grants]]
allow = ["port.get-entity"]
blueprint = ["service"]
TOML
ending violation violation 4 "$run"
sed "s|^component = .*|component = \"$CRASHING\"|" "$base" >"$out/trapped.toml"
ending trapped trapped 4 "$run"
sed 's|^repository = |repositry = |' "$base" >"$out/unusable.toml"
ending unusable unusable 2 "$run"
ending unset unusable 2 "export PORT_CLIENT_SECRET= GITHUB_TOKEN=; $run"
