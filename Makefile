# SPDX-License-Identifier: GPL-2.0
# The front door. `make help` lists what there is.

.DEFAULT_GOAL := help
.PHONY: help run test steady lint docs shell tree status refresh discard obtain packages \
	clean distclean clean-cache

# Goals that others have scripts for: bench, check, series.
EXTRA := $(filter-out bench-%,$(notdir $(wildcard scripts/bench scripts/check scripts/series)))
.PHONY: $(EXTRA)

# Of base/lanes.toml, on machines that may have no Python yet: all, those that gate
ALL_LANES := $(shell sed -n 's/^\[\(.*\)\]$$/\1/p' base/lanes.toml)
LANES := $(filter-out $(shell awk '/^\[/ { name = substr($$0, 2, length($$0) - 2) } \
	/^on_request/ { print name }' base/lanes.toml),$(ALL_LANES))

export KERNEL LANE BREAK TESTS N

help: ## list these commands
	@sed -n 's/^\([a-z-]*\):.*## /  make \1|/p' $(MAKEFILE_LIST) | \
		awk -F'|' '{ printf "%-20s %s\n", $$1, $$2 }'
	@$(foreach e,$(EXTRA),printf '%-20s %s\n' '  make $(e)' "$$(sed -n '2,3s/^# Summary: //p' scripts/$(e))";)
	@echo
	@echo '  LANE=name    make test: only this lane ($(ALL_LANES))'
	@echo '  TESTS=glob   make test LANE=uml: only selftest programs of that name'
	@echo '  N=10         make steady: how many times'
	@echo '  BREAK=model  make run, make test: the GPU model stores wrong words; they must fail'
	@echo '  KERNEL=path  use this Linux 7.3 tree in place of the one from Debian'

run: ## the tour: panthor on a simulated Mali, its memory under pressure, with a picture
	@scripts/packages tour
	@scripts/run

test: ## the lanes that gate, or those named by LANE; ends with 'N passed, N failed'
	@scripts/packages $(or $(LANE),$(LANES))
	@scripts/test $(LANE)

steady: ## the lanes that gate (or LANE) N=10 times, half of them beside busy loops
	@scripts/packages $(or $(LANE),$(LANES))
	@scripts/steady $(LANE)

lint: ## shellcheck, pyflakes, pycodestyle, mypy and licences: seconds, and no kernel tree
	@scripts/packages static quick
	@scripts/lint

docs: ## the pages about panthor as HTML, below build/docs
	@scripts/packages check
	@scripts/docs

shell: ## an interactive shell in the UML guest, with the GPU
	@scripts/packages uml
	@scripts/shell

tree: ## obtain the base kernel and assemble the series in build/linux
	@scripts/packages tree
	@scripts/assemble

status: ## how the repository and build/linux differ
	@scripts/assemble --status

refresh: ## take what was edited in build/linux into patches and new files
	@scripts/assemble --refresh

discard: ## throw away what was edited in build/linux
	@scripts/assemble --discard

packages: ## see that the host packages of all lanes are there
	@scripts/packages

clean: ## remove kernels and results; build/linux stays
	rm -rf build/linux*/obj-* build/tinyconfig build/log build/test build/run build/guest build/steady

distclean: ## remove build/ altogether
	@[ -n "$(FORCE)" ] || scripts/assemble --edited || \
		{ echo "error: build/linux has edits (make status lists them); FORCE=1 removes it all the same" >&2; exit 1; }
	rm -rf build

clean-cache: ## remove the kernels that were obtained, for all checkouts
	@scripts/obtain --remove

$(EXTRA): %:
	@scripts/packages $@
	@scripts/$@
