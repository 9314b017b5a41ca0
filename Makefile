# Tocsin's habits. The README's two are demo and test; check is what must pass before a commit.
SHELL := /bin/bash
.DEFAULT_GOAL := help

TOOL := go tool -modfile=.ci/lint.mod

.PHONY: help
help: ## what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  %-14s %s\n", $$1, $$2 }'

.PHONY: demo
demo: needs build ## one incident from the first alert to its close, on this machine, in a few minutes
	bin/tocsin demo

.PHONY: dev
dev: needs build ## everything on this machine, until Ctrl-C
	bin/tocsin dev

.PHONY: test
test: needs ## every test; units, and whole incidents in one process, with the race detector
	go test -race -timeout 20m $$(go list ./... | grep -vxE 'tocsin/(templates|cmd/tocsin)')
	go test -timeout 20m ./templates ./cmd/tocsin
	go test -race -timeout 20m -run 'TestTheDemoLeaves|TestAHalt|TestAStormOfOneAlert' ./cmd/tocsin

.PHONY: race
race: needs ## every test with the race detector, under which texts and whole incidents take several times as long
	go test -race -timeout 60m -parallel 2 ./...

.PHONY: build
build: ## the one binary, bin/tocsin, static
	CGO_ENABLED=0 go build -trimpath -o bin/tocsin ./cmd/tocsin

.PHONY: needs
needs: ## PostgreSQL and the Temporal dev server: found, installed, downloaded, or built once (minutes)
	@.ci/needs

.PHONY: bench
bench: needs ## figures beside a reference (docs/performance.md); BENCH=send|engine|import|scale for one part
	@.ci/bench

.PHONY: chaos
chaos: needs ## a campaign to 20,000 people while workers are killed 100 times, the relay and PostgreSQL now and then; CHAOS=10 for less
	go test ./cmd/tocsin -run '^TestChaos$$' -v -count=1 -timeout 60m -chaos $(or $(CHAOS),100) -chaos-people $$((200 * $(or $(CHAOS),100)))

.PHONY: golden
golden: ## write the golden files anew; review the diff as prose, it is what people will read
	go test ./templates -update

.PHONY: fmt
fmt: ## format the code (gofumpt, goimports)
	$(TOOL) golangci-lint fmt

.PHONY: fmt-check
fmt-check: ## fail where gofmt would change something
	@out=$$(gofmt -l $$(git ls-files '*.go')); if [ -n "$$out" ]; then echo "not formatted; run make fmt:"; echo "$$out"; exit 1; fi

.PHONY: lint
lint: ## go vet and the linters of .golangci.yaml; the tools are built once (about 90 s)
	go vet ./...
	$(TOOL) golangci-lint run

.PHONY: determinism
determinism: ## find what a workflow must not call, such as the clock
	$(TOOL) workflowcheck -config .ci/workflowcheck.yaml ./workflows/...

.PHONY: compose-check
compose-check: ## read docker-compose.yml as docker compose does, and check it against our own rules
	cd .ci/compose && go run . ../../docker-compose.yml ../../.env.example
	go test -count=1 -run 'Compose|Dockerfile' ./internal/archtest

.PHONY: check
check: fmt-check build test compose-check determinism lint ## all that must pass before a commit

.PHONY: screenshots
screenshots: needs build ## take the README's pictures in headless Chromium (installs it on Debian as root)
	.ci/screenshots
