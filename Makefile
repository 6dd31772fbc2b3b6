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
# Other flags would mean another build.
STRICT := -Xswiftc -warnings-as-errors
RELEASE := -c release --static-swift-stdlib -Xlinker -s --disable-local-rpath

# Not the build folders of the nested packages, which hold other people's sources.
SWIFT := Package.swift Sources extcap $(wildcard Tests/*Tests) Tests/TestSupport Tests/Benchmarks/Packets \
  $(foreach p,Tests/EndToEnd Tests/Benchmarks $(LAB),$(p)/Package.swift $(wildcard $(p)/Sources $(p)/Tests))

.PHONY: help
help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 22

.PHONY: build release
build: ## debug build
	swift build
release: deps-build ## static release build, in .build/release
	swift build $(RELEASE) --product poddump
	swift build $(RELEASE) --product poddump-extcap

.PHONY: tap
tap: deps-tap ## the capture engine for every architecture, in .build/tap
	Sources/Tap/build
tap-%: ## (tap-x86_64 and so on: for one)
	Sources/Tap/build $*

.PHONY: demo
demo: ## list and capture pods: of a lab raised here, or of KUBECONFIG=… (no root needed)
	@$(if $(findstring command,$(origin KUBECONFIG)),KUBECONFIG="$(KUBECONFIG)",env -u KUBECONFIG) Tests/demo

.PHONY: test unit-test programs
test: deps-test check ## everything a test run needs, then all tests
	$(MAKE) -j2 -Otarget unit-test programs
	swift test --package-path $(LAB)
	Tests/Tap/run
	Tests/run-in-lab
	packaging/test-deb

# After check, which builds them. Mostly they wait, and the release is built meanwhile: by swift test it would have to wait.
unit-test:
	.build/debug/poddumpPackageTests.xctest --testing-library swift-testing --no-parallel
programs: release tap lab-build

.PHONY: lab-test
lab-test: release tap lab-build ## the tests that need the lab only
	Tests/run-in-lab

.PHONY: lab-build lab-up lab-down
lab-build: deps-lab ## build the lab's API stand-in
	$(LAB)/lab build
lab-up: lab-build ## raise the lab (root)
	$(LAB)/lab up
lab-down: ## take the lab down
	$(LAB)/lab down

.PHONY: bench
bench: release tap lab-build ## benchmarks, each beside its limit
	Tests/Benchmarks/run

.PHONY: screenshots
screenshots: deps-test release lab-build ## make the README's screenshots of Wireshark anew, in docs (root)
	Tests/screenshots

.PHONY: fmt check
fmt: ## format the sources
	swift format -i -r $(SWIFT)
check: ## format, house rules, warnings as errors
	swift format lint --strict -r $(SWIFT)
	Tests/house-rules
	swift build --build-tests $(STRICT)

.PHONY: package install
package: release tap ## a Debian package, in dist
	packaging/build-deb
PREFIX ?= /usr/local
# What is built already, so that root, whose PATH may have no swift, builds nothing.
install: ## install what make release tap has built, into PREFIX (default /usr/local)
	packaging/install-files "$(DESTDIR)$(PREFIX)"

.PHONY: deps-build deps-tap deps-lab deps-test
deps-build:
	@Tests/deps build
deps-tap:
	@Tests/deps tap
deps-lab:
	@Tests/deps lab $(TOOLS)
deps-test:
	@Tests/deps test $(TOOLS)

.PHONY: clean
clean: ## remove everything made here
	rm -rf .build .build-tools dist $(LAB)/.build Tests/Benchmarks/.build
