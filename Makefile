# Everything a developer needs; `make` alone says what there is.

BIN     := bin
CONSUL  := $(BIN)/consul
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -X main.version=$(VERSION)

# CI runs everything that is one process with the race detector, and never skips a test for want of Consul.
ifeq ($(CI),true)
RACE := -race
endif

.DEFAULT_GOAL := help

help: ## what can be made
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## orch and convergeagent, in bin/
	go build -trimpath -ldflags '$(LDFLAGS)' -o $(BIN)/ ./cmd/orch ./cmd/convergeagent

packages: ## .deb and .rpm of both, for amd64 and arm64, in bin/packages/
	@VERSION='$(VERSION)' cmd/packages/build.sh

# SEEDS=100 FROM=2000 make sim plays fewer, and others.
SEEDS ?= 5000
FROM  ?= 1

# On two processors with nothing beside it: nine minutes, for 21,900 hours of clusters. A process for each processor plays its part.
sim: ## thousands of stories in virtual time, each safeguard taken out, and what happened how often
	go test -count 1 -timeout 30m -v ./e2e/sim -sim.whole -sim.seeds $(SEEDS) -sim.from $(FROM)

demo: build consul ## the story on a real Consul: batches, a late node, one back from the dead
	go run ./e2e/demo

# Packages wait more than they work, for servers, agents and a machine that boots: twice as many run at once as
# there are processors.
AT_ONCE = $(shell expr 2 '*' $$(getconf _NPROCESSORS_ONLN))

# The race detector has a sample of the tables that say racetest.Every, which are then worked through without
# it. The simulator, and what is end to end, have the machine to themselves, and no race detector: `make race`
# has it.
test: consul tools lint ## every test, on a real Consul
	go test $(RACE) -vet=off -p $(AT_ONCE) -timeout 15m $$(go list ./... | grep -v '/e2e')
ifdef RACE
	go test -vet=off -timeout 15m $$(grep -rl --include='*_test.go' 'racetest\.Every' . | xargs -n1 dirname | sort -u)
endif
	go test -timeout 10m ./e2e/sim ./e2e/faults
	go test -timeout 20m ./e2e

lint: ## gofmt and vet
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); \
	if [ -n "$$unformatted" ]; then echo "not formatted, run make fmt:"; echo "$$unformatted"; exit 1; fi
	go vet ./...

race: consul tools ## every test, with the race detector
	go test -race -timeout 25m ./...

e2e: consul tools ## only the end-to-end tests
	go test -timeout 25m -count 1 -v ./e2e

# Each fuzz target on its own, FUZZTIME long, of which making inputs small took nearly all; their seeds,
# and whatever was found, run with every go test.
FUZZTIME ?= 30s
fuzz: ## every fuzz target for FUZZTIME (30s)
	@grep -rl --include='*_test.go' '^func Fuzz' . | xargs -n1 dirname | sort -u | while read -r room; do \
		for target in $$(grep -hoE '^func Fuzz[A-Za-z]+' $$room/*_test.go | cut -c6-); do \
			echo "$$room $$target"; \
			go test $$room -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 20x || exit 1; \
		done; \
	done

faults: consul tools ## every fault, in mid-rollout, on a real Consul; writes e2e/FAULTS.md (TIMES=3: three times)
	go run ./e2e/faults -times $(or $(TIMES),1)

ui-check: consul ## the Consul UI's pages in headless Chromium (needs Debian's chromium)
	go test -tags ui -count 1 -v -run TestConsulUI ./e2e

consul: $(CONSUL) ## a Consul server for tests and the demo, in bin/ (about four minutes, once)

# The server is a tool of a nested module, pinned there; its licence is BUSL-1.1, and it is only
# ever run as a separate program.
$(CONSUL): e2e/consul/go.mod e2e/consul/go.sum
	@if [ -n "$$CONSUL_BIN" ] || command -v consul >/dev/null; then \
		echo "consul is here already: $${CONSUL_BIN:-$$(command -v consul)}"; \
	else \
		echo "building consul, once; this takes a few minutes"; \
		mkdir -p $(BIN) && cd e2e/consul && go build -o ../../$(CONSUL) github.com/hashicorp/consul; \
	fi

tools: ## what tests run: Puppet, Ansible, tmux, mmdebstrap, rpm, from Debian's packages (root on Debian only)
	@e2e/tools.sh

fmt: ## format the sources
	gofmt -w $$(git ls-files '*.go')

cover: consul ## test coverage, as cover.out and in words
	go test -timeout 25m -coverprofile cover.out ./...
	go tool cover -func cover.out | tail -1

clean: ## remove what was built, but not consul
	rm -rf $(BIN)/orch $(BIN)/convergeagent $(BIN)/packages cover.out

.PHONY: help build packages demo test lint race e2e fuzz ui-check consul tools fmt cover clean
