# The suite that a change must pass, and the longer ones beside it.
# Each target prints the plain output of `go test`.

GO      ?= go
PGTEMP  := ./internal/engine/databasetest/pgtemp
# One PostgreSQL server for the whole run, when the helper that starts it is there;
# without it each test binary starts its own.
WITH_PG := $(if $(wildcard internal/engine/databasetest/pgtemp/main.go),$(GO) run $(PGTEMP) --,)
TESTFLAGS ?=
# The race detector needs a C compiler; CI must have one.
RACE := $(if $(or $(CI),$(shell command -v gcc cc clang 2>/dev/null)),-race,)
FUZZTIME ?= 5s

.PHONY: test vet race short fuzz nightly docs build

build:
	CGO_ENABLED=0 $(GO) build -trimpath -o souk ./cmd/souk

vet:
	@bad=$$(gofmt -l $$(git ls-files '*.go')); test -z "$$bad" || { echo "gofmt: $$bad"; exit 1; }
	$(GO) vet ./...

# Everything once: vet, then unit and storage tests under the race detector, then what
# drives whole programs (browser, crashes, the commands, the harness, sellers in five
# languages) and what only reads the tree on the plain binary,
# for the sake of time (nightly races them too), and foreign clients in their own module.
# Packages start in this order, so the longest come first and none is left over at the end.
PLAIN := ./e2e/... ./internal/harness/crashtest ./internal/harness/deliverytest ./internal/harness/markettest \
	./examples/... ./internal/harness/... ./cmd/... ./internal/house/...
RACED  = $(filter-out $(shell $(GO) list $(PLAIN)),$(shell $(GO) list ./...))

test: vet
	$(WITH_PG) $(GO) test $(RACE) -shuffle on -timeout 15m $(TESTFLAGS) $(RACED)
	$(WITH_PG) $(GO) test -timeout 18m $(TESTFLAGS) $(PLAIN)
	cd test/clients && $(GO) vet ./... && $(GO) test $(TESTFLAGS) ./...

# The rooms where goroutines meet, under the race detector (needs a C compiler).
race:
	$(WITH_PG) $(GO) test -race -short -timeout 18m ./internal/... ./protocol/... ./isv/...

short:
	$(GO) test -short ./...

# Each fuzz target for FUZZTIME.
fuzz:
	@GO="$(GO)" FUZZTIME="$(FUZZTIME)" bash .ci/fuzz

nightly: vet
	$(WITH_PG) $(GO) test -race -timeout 60m ./...
	$(MAKE) fuzz FUZZTIME=2m

# Rewrites every page under docs/ that is made from the code.
docs:
	$(GO) test ./internal/config -run Reference -update
	$(GO) test ./internal/house -run SpecSections -update
	$(GO) test ./internal/service/doctor -run RulesPage -update
	$(GO) test ./e2e -run Demo -pictures
