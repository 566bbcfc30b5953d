.DEFAULT_GOAL := help
.PHONY: help demo examples test bench build clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

build: ## Build the command line, optimised: target/release/hollowcast
	cargo build --release --locked

demo: build ## Take the guided tour: publish, follow, look up, survive a damaged file
	target/release/hollowcast demo

examples: ## Run every example, optimised, at its default size
	scripts/examples.sh

test: ## Run the whole gate: format, lints, docs, tests, licences, generated code
	scripts/setup.sh
	scripts/gate.sh

bench: ## Measure publishing, following, reading and the commands on this machine; RECORDS=5000000 for a larger dataset
	cargo bench --locked --bench dataset -- --records $(or $(RECORDS),1000000)
	cargo bench --locked -p hollowcast-cli --bench commands -- $(or $(RECORDS),1000000)

clean: ## Remove what was built
	cargo clean
