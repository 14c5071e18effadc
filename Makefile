# SPDX-License-Identifier: GPL-2.0
#
# The targets of developers. kbuild itself reads the file Kbuild. `make help` lists them.

KDIR ?= /lib/modules/$(shell uname -r)/build
export BUILD ?= $(CURDIR)/build

# What K= and IOMMU= may narrow.
K ?=
IOMMU ?=
T ?= *
ONLY ?=
# Which kernels there are is looked up only where it matters.
STOCK = $(or $(K),$(shell scripts/lab/lab kernels))
UML   = $(or $(K),$(shell scripts/lab/lab kernels uml))
MOCK  = $(or $(K),$(shell scripts/lab/lab kernels mock))
# What runs in the full form, as the matrix has it; a pair of K= and IOMMU= may be any of it.
E2E   = $(shell scripts/lab/lab kernels pairs '$(K)' '$(IOMMU)')

.DEFAULT_GOAL := modules

##@ Build and install, for the running kernel or KDIR=<headers>

modules: headers ## build vfio_iommu_type1x.ko (KDIR=)
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules

install: modules ## install it: depmod, modprobe.d, header, command, man pages (KDIR= DESTDIR= PREFIX= MODDIR=)
	PREFIX='$(PREFIX)' MODDIR='$(MODDIR)' scripts/packaging/install $(KDIR) '$(DESTDIR)'

uninstall: ## remove what install made (KDIR= DESTDIR= PREFIX= MODDIR=)
	PREFIX='$(PREFIX)' MODDIR='$(MODDIR)' scripts/packaging/install -u $(KDIR) '$(DESTDIR)'

# kbuild would say which folder is missing, and not which package has it.
headers:
	@[ -e '$(KDIR)/Makefile' ] || { \
		echo 'there are no kernel headers in $(KDIR):' >&2; \
		echo 'on Debian, apt install linux-headers-$(shell uname -r); or make KDIR=<headers of another kernel>' >&2; \
		exit 1; }

##@ Packages, manual

deb: ## build Debian packages into build/deb: source for DKMS, the command, the header (DOC=y: the manual)
	@scripts/packaging/deb $(DOC:%=-d)

docs: ## make the manual, with kernel-doc: build/docs/html/index.html
	@scripts/docs

##@ See it work

demo: ## boot Debian's kernel with an emulated VT-d, do DMA through the module, report (K=)
	@scripts/demo $(or $(K),6.1)

shell: ## a shell in the guest of e2e (K= IOMMU=)
	@scripts/lab/vm -k $(or $(K),6.1) $(IOMMU:%=-i %) -s

##@ Test it (K=6.1|6.12|7.2|newest, T=pattern; e2e and shell take any K= and IOMMU= of scripts/lab/matrix)

check: ## this section, with a choice of e2e; ends with `N passed, N failed` (ONLY=failed|pattern)
	@ONLY='$(ONLY)' scripts/check/all

check-full: ## the same with all of scripts/lab/matrix: hours; says how many, goes on with ONLY=failed (ONLY=failed|pattern)
	@ONLY='$(ONLY)' scripts/check/all -f

static: ## style, sparse, layers, names (T=)
	@scripts/check/static $(T:*=)

abi: ## compare include/vfio_abi with the real vfio.ko (K=)
	@scripts/check/abi $(STOCK)

check-docs: ## the manual builds without a warning, and what it names exists
	@scripts/check/docs

check-deb: ## the packages in a clean Debian 12 and 13 (installs mmdebstrap and others)
	@scripts/check/deb

runner: ## the tests of the test runners
	@tests/runner/run

models: ## the range lock in spin, the files of pure data in cbmc and a fuzzer, and mistakes in them
	@scripts/check/models

cli: ## the command vfio-type1x, with files as the kernel has them
	@tests/cli/run

kunit: ## KUnit suites in User-Mode Linux (K= T=)
	@$(call each,k,$(UML),scripts/lab/uml -k $$k -t '$(T)' kunit)

uml: ## tests/selftests on the mock IOMMU in User-Mode Linux (K= T=)
	@$(call each,k,$(MOCK),scripts/lab/uml -k $$k -t '$(T)' mock)

e2e: ## tests/selftests and tests/e2e on stock kernels in QEMU (K= IOMMU= T=)
	@$(call each,r,$(E2E),scripts/lab/vm -k $${r%/*} -i $${r#*/} -t '$(T)')

e2e-clients: ## DPDK, QEMU with a second-level Linux, qemu-img there; takes long (K= IOMMU= T=dpdk|l2|...)
	@$(call each,k,$(STOCK),scripts/clients -k $$k -i $(or $(IOMMU),intel) -t '$(T)')

mutants: ## break the driver on purpose; a test must fail each time (T=)
	@scripts/mutants '$(T)'

##@ Test more, and measure

arm64: ## compile the module for Debian's newest arm64 kernels, of 4K and of 16K pages
	@$(call each,k,newest-arm64 newest-arm64-16k,scripts/lab/lab module $$k)

analyze: ## Coccinelle and clang's static analyzer on the driver; minutes, a part of check-full
	@scripts/check/analyze

soak: ## random requests of many threads for HOURS=1 (K= IOMMU=, mock: UML)
	@scripts/soak -k $(or $(K),newest) $(IOMMU:%=-i %) -t $$(($(or $(HOURS),1) * 60))

fuzz: ## random ioctls on ours and the in-tree driver in UML (K= N=100000 S=seed)
	@$(call each,k,$(or $(K),6.1),scripts/fuzz -k $$k -n $(or $(N),100000) $(if $(S),-s $(S)))

fuzz-data: ## the files of pure data under ASan and UBSan, at random (N=1000000 S=seed)
	@scripts/check/models -n $(or $(N),1000000) $(if $(S),-s $(S))

coverage: ## the lines that KUnit and the mock reach, by gcov in UML (K=)
	@scripts/coverage -k $(or $(K),newest)

bench: ## instructions a page, in-tree and ours, on stock kernels under VT-d (K= CASE=pattern PROFILE=y)
	@$(call each,k,$(STOCK),scripts/bench -k $$k -c '$(or $(CASE),*)' $(PROFILE:%=-p))

bench-native: ## time a page in UML on the mock IOMMU; iommufd is there too (CASE=pattern)
	@scripts/bench -k native -c '$(or $(CASE),*)'

bench-smp: ## what two CPUs gain on a stock kernel in QEMU; wants two idle ones (K= CASE=pattern)
	@$(call each,k,$(or $(K),newest),scripts/bench -k $$k -s -c '$(or $(CASE),*)')

bench-scale: ## how costs grow with the number of mappings, in-tree and ours (K= CASE=pattern)
	@$(call each,k,$(or $(K),newest),scripts/bench -k $$k -g -c '$(or $(CASE),*)')

bench-lines: ## which cache lines two CPUs share, and by which functions (K=)
	@$(call each,k,$(or $(K),newest),scripts/bench -k $$k -l)

bench-docs: ## write what these four measured into README.md and Documentation
	@scripts/bench -w

##@ The lab

lab: ## fetch and build kernels, trees and test programs now instead of when needed
	@scripts/lab/lab all

compile_commands.json: ## how each file is compiled, for clangd and the like; builds the module (K=)
	@scripts/compile-commands $(or $(K),newest) >$@.new
	@mv $@.new $@

clean: ## remove what was built from this checkout
	rm -rf '$(BUILD)'/mod '$(BUILD)'/selftests* '$(BUILD)'/run '$(BUILD)'/results \
		'$(BUILD)'/docs include/generated compile_commands.json
	find . -path ./build -prune -o \( -name '*.o' -o -name '*.ko' -o -name '*.mod' -o \
		-name '*.mod.c' -o -name '.*.cmd' -o -name modules.order -o \
		-name Module.symvers \) -exec rm {} +

distclean: clean ## remove the lab, too
	rm -rf '$(BUILD)'

help: ## this
	@awk -F ':.*## ' '/^##@/ { print "\n" substr($$0, 5) ":" } \
		/^[a-z0-9_.-]+:.*## / { printf "  make %-22s %s\n", $$1, $$2 }' Makefile

# each VARIABLE,LIST,COMMAND: run all, fail if one failed.
each = (bad=0; for $1 in $2; do $3 || bad=1; done; exit $$bad)

.PHONY: modules install uninstall headers deb docs demo check check-full static arm64 abi check-docs check-deb models analyze cli runner \
	kunit uml e2e e2e-clients soak fuzz fuzz-data bench bench-docs bench-native bench-scale bench-smp bench-lines mutants coverage \
	shell lab compile_commands.json clean distclean help
