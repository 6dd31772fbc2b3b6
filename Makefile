# poddump's building, testing and packaging. `make help` lists what there is.
#
# Everything made here lands in .build, .build-tools and dist, which git ignores.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

TOOLS := $(CURDIR)/.build-tools
BIN := $(CURDIR)/.build/release
LAB := Tests/Lab
# A kubectl of our own choosing first: version managers' shims and cloud dispatchers cost more than it.
export PATH := $(TOOLS):$(PATH)
export LAB_API := $(CURDIR)/$(LAB)/.build/release/lab-api
RELEASE := -c release --static-swift-stdlib -Xlinker -s --disable-local-rpath

.PHONY: help
help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 22

.PHONY: build release
build: ## debug build
	swift build
release: deps-build ## static release build, in .build/release
	swift build $(RELEASE) --product poddump
	swift build $(RELEASE) --product poddump-extcap

.PHONY: demo
demo: ## list and capture pods: of a lab raised here, or of KUBECONFIG=… (no root needed)
	@$(if $(findstring command,$(origin KUBECONFIG)),KUBECONFIG="$(KUBECONFIG)",env -u KUBECONFIG) Tests/demo

.PHONY: test
test: deps-test check release lab-build ## everything a test run needs, then all tests
	swift test --no-parallel
	swift test --package-path $(LAB)
	Tests/run-in-lab
	packaging/test-deb

.PHONY: lab-test
lab-test: release lab-build ## the tests that need the lab only
	Tests/run-in-lab

.PHONY: lab-build lab-up lab-down
lab-build: deps-lab ## build the lab's API stand-in
	$(LAB)/lab build
lab-up: lab-build ## raise the lab (root)
	$(LAB)/lab up
lab-down: ## take the lab down
	$(LAB)/lab down

.PHONY: bench
bench: release lab-build ## benchmarks, each beside its limit
	Tests/Benchmarks/run

.PHONY: fmt check
fmt: ## format the sources
	swift format -i -r Package.swift Sources extcap Tests
check: ## format, house rules, warnings as errors
	swift format lint --strict -r Package.swift Sources extcap Tests
	Tests/house-rules
	swift build --build-tests -Xswiftc -warnings-as-errors

.PHONY: package install
package: release ## a Debian package, in dist
	packaging/build-deb
PREFIX ?= /usr/local
install: release ## install into PREFIX (default /usr/local)
	packaging/install-files "$(DESTDIR)$(PREFIX)"

.PHONY: deps-build deps-lab deps-test
deps-build:
	@Tests/deps build
deps-lab:
	@Tests/deps lab $(TOOLS)
deps-test:
	@Tests/deps test $(TOOLS)

.PHONY: clean
clean: ## remove everything made here
	rm -rf .build .build-tools dist $(LAB)/.build Tests/Benchmarks/.build
