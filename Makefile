# What a developer and the CI run. `make` alone lists it.

export CARGO ?= cargo
TARGET = $${CARGO_TARGET_DIR:-target}

.PHONY: help setup demo test simulate test-clients test-languages test-yaml test-registry test-workflow test-crashes hostile figures fuzz lint sweep \
	lint-workflows pages build bench clean

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Check what building needs; as root on Debian, install what is missing
	@.ci/setup

demo: setup ## Promote an image on an embedded Port and GitHub
	@if [ ! -x "$(TARGET)/debug/promote" ]; then \
		echo "building promote: about 10 minutes on 2 cores the first time, seconds after that" >&2; \
		$(CARGO) build --locked --bin promote; \
	fi
	@$(CARGO) run --quiet --locked --bin promote -- demo

test: setup ## Run every test
	@.ci/test

# The policy of the two that are left out is bad on purpose, and crashes when a call fails.
sweep: setup ## Let every call of every scenario fail in every way, and look whether the invariants hold
	@$(CARGO) run --quiet --locked --bin promote -- test --sweep --coverage $$(find tests/scenarios -name '*.toml' \
		! -name baseline-hostile.toml ! -name baseline-ignored.toml)

simulate: setup ## Play random companies, people and weather, and look whether the invariants hold (SCRIPTS, SEED)
	@$(CARGO) run --quiet --locked --bin promote -- simulate --scripts $${SCRIPTS:-1000} --seed $${SEED:-1} --coverage

test-clients: setup ## Run Octokit and PyGithub against the mock, and GitHub's examples of events; needs npm and Python
	@tests/clients/run

test-languages: setup ## Write, build and test a policy in four languages, and walk the guide in each; needs npm and Python
	@tests/languages/run

test-yaml: setup ## Let PyYAML and npm's yaml judge edits of the YAML test suite and of generated files; needs npm and Python
	@tests/yaml/run

test-registry: setup ## Push, pull and promote with a policy from a real registry, docker-registry; needs Python
	@tests/registry/run

test-workflow: setup ## Play GitHub: a release, the action, the workflow that `promote init` writes; needs Python
	@tests/runner/run

pages: setup ## Open the HTML pages and pictures in headless Chromium: screenshots in target/pages; needs Chromium and Node
	@tests/pages/run

lint-workflows: ## Check every workflow and the action with zizmor and a schema; needs Python
	@tests/runner/lint

hostile: setup ## Print the table of hostile policies: how each ended, what it left, its time and memory
	PROMOTE_HOSTILE=all $(CARGO) test --workspace --exclude promote-guests --locked --test integration -- \
		--nocapture --test-threads=1 hostile::

# Of the release build, which it takes as it is if it is there.
figures: setup ## Measure how late a run ends after its deadline, and its memory beyond the policy's limit
	@[ -x "$(TARGET)/release/promote" ] || $(MAKE) build
	PROMOTE_FIGURES=all PROMOTE_PROGRAM="$$(realpath "$(TARGET)/release/promote")" \
		$(CARGO) test --workspace --exclude promote-guests --locked --test integration -- \
		--nocapture --test-threads=1 figures::

test-crashes: setup ## Kill the program at every request of every scene, and run it again
	PROMOTE_CRASHES=all $(CARGO) test --workspace --exclude promote-guests --locked --test integration -- \
		--nocapture wherever_the_program_is_killed

fuzz: setup ## Fuzz every reader of foreign input, 20 s each (FUZZ_SECONDS)
	@tests/fuzz/run

lint: setup ## Check format, lints, documentation and licences
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps --locked
	@# The fuzzers are a workspace of their own: their lock file must know every dependency that promote has got.
	@$(CARGO) metadata --locked --format-version 1 --manifest-path tests/fuzz/Cargo.toml >/dev/null
	@.ci/deny bans licenses sources

# Twice: the first binary compiles the policy to native code, which the second build embeds; between them only the host is
# built. Both packages are always named together, so that cargo chooses the same features and builds wasmtime once.
RELEASE = $(CARGO) build --release --locked -p promote-run -p promote

build: setup ## Build both binaries for production, promote and promote-run (slow: optimised)
	@$(RELEASE) --bin promote-run
	@"$(TARGET)/release/promote-run" compile "$(TARGET)/policy.compiled"
	@PROMOTE_POLICY_COMPILED="$(TARGET)/policy.compiled" $(RELEASE)
	@for name in promote-run promote; do \
		wc -c "$(TARGET)/release/$$name" | awk '{ printf "%-12s %5.1f MiB  %s\n", "'$$name'", $$1 / 1048576, $$2 }'; \
	done

# Of the workspace, as the tests are: `-p` would build wasmtime again for this. The policies that `make test-languages` has
# built run beside the built-in one.
bench: setup ## Measure whole promotions against the mock; BENCH="--baseline 'COMMAND'" and more, see BENCH=--help
	@$(CARGO) build --release --locked --bin promote
	@"$(TARGET)/release/promote" compile "$(TARGET)/policy.compiled"
	@PROMOTE_POLICY_COMPILED="$(TARGET)/policy.compiled" \
		$(CARGO) build --release --locked --bin promote --bin promote-bench
	@"$(TARGET)/release/promote-bench" --program "$(TARGET)/release/promote" --parts --json "$(TARGET)/bench.json" \
		$$(for name in rust js python; do file="$(TARGET)/languages/policy-$$name/policy.wasm"; \
			[ ! -f "$$file" ] || echo "--component $$name=$$file"; done) $(BENCH)

clean: ## Delete all that was built
	@$(CARGO) clean
