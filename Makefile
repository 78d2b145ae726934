# brood: `make help` lists the targets, README.md explains them.
MAKEFLAGS += --no-print-directory

PORT ?= linux
SANITIZE ?=
OPT ?= $(if $(SANITIZE),-O1,-O2)
ARCH ?=
V ?=
PREFIX ?= /usr/local
DESTDIR ?=
TREE ?= /usr/include

# ARCH is a name of Debian's; CROSS_COMPILE may be given instead.
TRIPLET_armhf := arm-linux-gnueabihf
TRIPLET_armel := arm-linux-gnueabi
TRIPLET_arm64 := aarch64-linux-gnu
TRIPLET_i386 := i686-linux-gnu
ifneq ($(ARCH),)
CROSS_COMPILE ?= $(or $(TRIPLET_$(ARCH)),$(error ARCH=$(ARCH): known are armhf armel arm64 i386))-
endif
# port/traced is no port of its own: it shows what another does.
PORTS := $(filter-out traced,$(notdir $(patsubst %/,%,$(wildcard port/*/))))
ifeq ($(filter $(PORT),$(PORTS)),)
$(error PORT=$(PORT): there is $(PORTS))
endif
ifeq ($(origin CXX),default)
CXX := $(CROSS_COMPILE)g++
endif
ifeq ($(origin AR),default)
AR := $(CROSS_COMPILE)ar
endif
OBJCOPY ?= $(CROSS_COMPILE)objcopy
NM ?= $(CROSS_COMPILE)nm

Q := $(if $(V),,@)
say = @printf '  %-4s %s\n' $(1) $(2)
comma := ,
space := $(subst ,, )

# One build folder for each combination, so that none ever mixes objects of two; but what is
# compiled alike for all ports, which is all but the ports, is so only once, in COMMON.
TOOLCHAIN := $(subst $(space),-,$(notdir $(CXX)))$(if $(SANITIZE),-sanitize)
BUILD ?= build/$(PORT)-$(TOOLCHAIN)
COMMON := $(if $(filter file,$(origin BUILD)),build/common-$(TOOLCHAIN),$(BUILD))

# ---- Flags -----------------------------------------------------------------------------------

# CPPFLAGS, CXXFLAGS, LDFLAGS and LDLIBS are the caller's: they come after ours, so theirs win.
CXXFLAGS ?= -g
WERROR ?= -Werror
WARN := -Wall -Wextra -Wpedantic -Wconversion -Wshadow $(WERROR)
SAN_FLAGS := $(if $(SANITIZE),-fsanitize=address$(comma)undefined -fno-sanitize-recover=all \
             -fno-omit-frame-pointer)
ARCH_FLAGS := $(if $(filter armel,$(ARCH)),-march=armv6)
# File offsets and inode numbers have 64 bits on 32-bit machines, too.
COMPILE := $(CXX) -Iinclude -I. -std=c++17 $(OPT) $(WARN) $(ARCH_FLAGS) -fno-exceptions -fno-rtti \
           -D_FILE_OFFSET_BITS=64 -ffunction-sections -fdata-sections $(SAN_FLAGS)
LINK := $(CXX) $(ARCH_FLAGS) $(SAN_FLAGS) -Wl,--gc-sections
LIBS := -pthread -lrt
# No guards around static locals: they are C++ runtime. -ffreestanding keeps the compiler from
# turning loops of the core into calls of strlen and the like; copies written as __builtin_memcpy
# are inlined all the same, by g++ and clang++.
# -fno-plt binds the calls of the libc when the program is loaded: bound when first used, as is the
# default, each child looks up anew what its parent never called (25 us of 150 for start and join).
PORT_FLAGS := -fno-threadsafe-statics -fno-plt
CORE_FLAGS := $(PORT_FLAGS) -ffreestanding
# g++ switches _GNU_SOURCE on by itself; the strict port must not see what it shows.
POSIX_FLAGS := $(PORT_FLAGS) -U_GNU_SOURCE -D_POSIX_C_SOURCE=200809L -D_XOPEN_SOURCE=700

# Core and examples tell a trace in which function they are.
TELLING := -finstrument-functions

# ---- Files -----------------------------------------------------------------------------------

# A port is a folder: a file there replaces the file of the same name in port/posix.
PORT_SRCS := $(if $(filter-out posix,$(PORT)),$(wildcard port/$(PORT)/*.cpp))
REPLACED := $(addprefix port/posix/,$(notdir $(PORT_SRCS)))
BASE_SRCS := $(filter-out $(REPLACED),$(wildcard port/posix/*.cpp))
CORE_SRCS := $(wildcard src/*.cpp)
TRACED_SRCS := $(wildcard port/traced/*.cpp)
EXAMPLE_SRCS := $(wildcard tools/examples/*.cpp)
BENCH_SRCS := $(wildcard tools/bench/*.cpp)
# Of a folder of tools/ with a plain.cpp, only that is built, or x86.cpp or arm64.cpp in its place.
CPU := $(patsubst aarch64,arm64,$(patsubst i%86,x86,$(patsubst x86_64,x86,$(firstword $(subst \
    -, ,$(or $(shell $(CXX) -dumpmachine 2>/dev/null),$(notdir $(CROSS_COMPILE))))))))
BY_CPU := $(foreach plain,$(wildcard tools/*/plain.cpp),$(wildcard $(dir $(plain))*.cpp))
# Of a folder tools/*/port only the file of the port is built, or else posix.cpp.
BY_PORT := $(wildcard tools/*/port/*.cpp)
TOOL_SRCS := $(foreach posix,$(filter %/posix.cpp,$(BY_PORT)),$(or $(wildcard \
    $(dir $(posix))$(PORT).cpp),$(posix))) $(filter-out $(BY_CPU) $(EXAMPLE_SRCS) \
    $(BENCH_SRCS),$(wildcard tools/*.cpp tools/*/*.cpp)) $(foreach plain,$(filter \
    %/plain.cpp,$(BY_CPU)),$(or $(wildcard $(dir $(plain))$(CPU).cpp),$(plain)))
FAULT_SRCS := $(wildcard test/fault/*.cpp)
TEST_SRCS := $(wildcard test/*_test.cpp test/*/*_test.cpp)
SUPPORT_SRCS := $(filter-out $(TEST_SRCS),$(wildcard test/*.cpp))
CRASH_SRCS := $(wildcard test/crash/*.cpp) $(or $(wildcard test/crash/cpu/$(CPU).cpp), \
    test/crash/cpu/plain.cpp)
STORM_SRCS := $(wildcard test/storm/*.cpp) test/crash/pool_care.cpp
MODEL_SRCS := $(wildcard test/model/*.cpp)
# Its other files are in libtools.a, for the test of them; the command takes nothing of them.
PAGES_SRC := tools/pages/main.cpp
TOOL_SRCS := $(filter-out $(PAGES_SRC),$(TOOL_SRCS))
FAULT_TEST_SRCS := $(filter %_fault_test.cpp,$(TEST_SRCS))
PLAIN_TEST_SRCS := $(filter-out $(FAULT_TEST_SRCS),$(TEST_SRCS))

objects = $(patsubst %.cpp,$(COMMON)/%.o,$(1))
faulty = $(patsubst %.cpp,$(COMMON)/faulty/%.o,$(1))
narrow = $(patsubst %.cpp,$(COMMON)/narrow/%.o,$(1))
PORT_OBJS := $(patsubst %.cpp,$(BUILD)/%.o,$(BASE_SRCS) $(PORT_SRCS))
LIB_OBJS := $(call objects,$(CORE_SRCS)) $(PORT_OBJS)
FAULTY_OBJS := $(call faulty,$(CORE_SRCS) $(FAULT_SRCS)) $(PORT_OBJS)
# What shows, and what is shown.
TRACER_OBJS := $(patsubst %.cpp,$(BUILD)/%.o,$(TRACED_SRCS))
TRACED_OBJS := $(TRACER_OBJS) $(patsubst %.cpp,$(BUILD)/traced/%.o,$(CORE_SRCS)) \
    $(patsubst $(BUILD)/%,$(BUILD)/traced/%,$(PORT_OBJS))
ALL_OBJS := $(LIB_OBJS) $(TRACED_OBJS) $(call objects,$(FAULT_SRCS) $(TOOL_SRCS))

LIB := $(BUILD)/libbrood.a
TRACED_LIB := $(BUILD)/libbrood-traced.a
FAULTY_LIB := $(BUILD)/faulty/libbrood-faulty.a
TOOLS_LIB := $(BUILD)/libtools.a
COMMAND := $(if $(wildcard tools/main.cpp tools/brood.cpp),$(BUILD)/brood)
EXAMPLES := $(patsubst %.cpp,$(BUILD)/%,$(EXAMPLE_SRCS))
SUMMARIES := $(BUILD)/tools/examples/summaries
PAGES := $(BUILD)/tools/pages/pages
BENCHES := $(patsubst %.cpp,$(BUILD)/%,$(BENCH_SRCS))
PLAIN_TESTS := $(patsubst %.cpp,$(BUILD)/%,$(PLAIN_TEST_SRCS))
CRASH := $(BUILD)/test/crash/crash
STORM := $(BUILD)/test/storm/storm
MODEL := $(BUILD)/test/model/model
RELACY := $(BUILD)/test/model/relacy/relacy
FAULT_TESTS := $(patsubst %.cpp,$(BUILD)/faulty/%,$(FAULT_TEST_SRCS))
TESTS := $(PLAIN_TESTS) $(FAULT_TESTS)

# ---- Building --------------------------------------------------------------------------------

.PHONY: all lib examples tests
.DELETE_ON_ERROR:
.SUFFIXES:

all: lib $(COMMAND) examples ## libbrood.a, the brood command and the examples (the default)
lib: $(LIB) ## libbrood.a alone
examples: $(EXAMPLES) $(SUMMARIES) ## The programs of tools/examples alone
tests: $(TESTS) ## Build every test program, run none

define compile
@mkdir -p $(@D)
$(call say,CXX,$<)
$(Q)$(COMPILE) $(1) $(CPPFLAGS) $(CXXFLAGS) -MMD -MP -c $< -o $@
endef
define link
@mkdir -p $(@D)
$(call say,LD,$@)
$(Q)$(LINK) $(CXXFLAGS) $(LDFLAGS) $(filter %.o %.a,$^) $(1) $(LIBS) $(LDLIBS) -o $@
endef
define archive
@mkdir -p $(@D)
$(call say,AR,$@)
$(Q)rm -f $@ && $(AR) rcs $@ $(filter %.o,$^)
endef

# Made anew when the flags or the list of sources change, and then all that depends on it.
STAMP := $(COMMON)/flags
FLAGS := $(filter-out $(WERROR),$(COMPILE)) $(CORE_FLAGS) $(POSIX_FLAGS) $(CPPFLAGS) $(CXXFLAGS) \
    $(LINK) $(LDFLAGS) $(LIBS) $(LDLIBS) $(TELLING)
ifneq ($(strip $(file <$(STAMP))),$(strip $(FLAGS)))
$(STAMP): FORCE
endif
ifneq ($(strip $(file <$(BUILD)/objects)),$(strip $(ALL_OBJS)))
$(BUILD)/objects: FORCE
endif
$(STAMP): export LINES = $(FLAGS)
$(BUILD)/objects: export LINES = $(ALL_OBJS)
$(STAMP) $(BUILD)/objects:
	@mkdir -p $(@D)
	@tools/build/need.sh --program $(filter-out -%,$(CXX))
	@printf '%s\n' "$$LINES" > $@
.PHONY: FORCE

$(COMMON)/src/%.o: src/%.cpp $(STAMP)
	$(call compile,$(CORE_FLAGS))
$(BUILD)/port/posix/%.o: port/posix/%.cpp $(STAMP)
	$(call compile,$(POSIX_FLAGS))
$(BUILD)/port/%.o: port/%.cpp $(STAMP)
	$(call compile,$(PORT_FLAGS))
$(COMMON)/test/%.o: test/%.cpp $(STAMP) $(COMMON)/cmocka.cflags
	$(call compile,@$(COMMON)/cmocka.cflags)
# clang++ before 16 knows the instructions only where the whole file may use them.
$(COMMON)/tools/sha256/arm64.o: CPU_FLAGS := $(if $(findstring clang,$(CXX)),-march=armv8-a+crypto)
$(COMMON)/tools/bench/%.o: tools/bench/%.cpp $(STAMP)
	$(call compile,-fexceptions -frtti)  # of peers
$(COMMON)/test/storm/%.o: test/storm/%.cpp $(STAMP)
	$(call compile)
$(COMMON)/test/model/%.o: test/model/%.cpp $(STAMP)
	$(call compile)

# Core and harness with counters so narrow that they wrap while somebody is stopped.
NARROW_FLAGS := -DBROOD_ANNOUNCED_BITS=3
$(COMMON)/narrow/src/%.o: src/%.cpp $(STAMP)
	$(call compile,$(CORE_FLAGS) $(NARROW_FLAGS))
$(COMMON)/narrow/test/crash/peers.o: PEER_FLAGS := -fexceptions -frtti
$(COMMON)/narrow/test/crash/%.o: test/crash/%.cpp $(STAMP)
	$(call compile,$(NARROW_FLAGS) $(PEER_FLAGS))
$(COMMON)/%.o: %.cpp $(STAMP)
	$(call compile,$(CPU_FLAGS))

# The core over a layer that makes port calls fail; the layer itself calls the true port.
FAULTY_FLAGS := -DBROOD_PORT_LAYER=faulty
$(COMMON)/faulty/src/%.o: src/%.cpp $(STAMP)
	$(call compile,$(CORE_FLAGS) $(FAULTY_FLAGS))
$(COMMON)/faulty/%.o: %.cpp $(STAMP) $(COMMON)/cmocka.cflags
	$(call compile,$(FAULTY_FLAGS) @$(COMMON)/cmocka.cflags)

# For BROOD_TRACE, what port/traced defines is put in the place of what it decorates: in the objects
# of the port brood_traced_read() in that of read(), or of read64(), where files are long; in those
# of the core traced::mutex_lock() in that of the port's.
REPLACED_CALLS := $(BUILD)/traced/replaced
$(REPLACED_CALLS): $(TRACER_OBJS)
	@mkdir -p $(@D)
	$(Q)$(NM) --defined-only --extern-only $^ | awk '$$3 ~ /^brood_traced_/ {print $$3}' | \
	    sed 's/^brood_traced_\(.*\)/\1 &/' > $@
	$(Q)sed 's/\(.*\) .*/\164 \1/' $@ > $@.64
	$(Q)$(NM) --defined-only --extern-only $^ | awk '$$3 ~ /port6traced/ {print $$3}' | \
	    sed 's/\(.*\)6traced\(.*\)/\12os\2 &/' > $@.core
# Without AddressSanitizer: it is there where a child calls exec in memory that its parent lends it,
# and looks for arguments of syscall() that may not be there.
$(BUILD)/port/traced/%.o: port/traced/%.cpp $(STAMP)
	$(call compile,$(PORT_FLAGS) $(if $(SANITIZE),-fno-sanitize=address))
.SECONDARY: $(patsubst %.cpp,$(COMMON)/telling/%.o,$(CORE_SRCS))
$(COMMON)/telling/src/%.o: src/%.cpp $(STAMP)
	$(call compile,$(CORE_FLAGS) $(TELLING))
$(COMMON)/tools/examples/%.o: tools/examples/%.cpp $(STAMP)
	$(call compile,$(TELLING))
$(BUILD)/traced/src/%.o: $(COMMON)/telling/src/%.o $(REPLACED_CALLS)
	@mkdir -p $(@D)
	$(Q)$(OBJCOPY) --redefine-syms=$(REPLACED_CALLS).core $< $@
$(BUILD)/traced/port/%.o: $(BUILD)/port/%.o $(REPLACED_CALLS)
	@mkdir -p $(@D)
	$(Q)$(OBJCOPY) --redefine-syms=$(REPLACED_CALLS).64 $< $@
	$(Q)$(OBJCOPY) --redefine-syms=$(REPLACED_CALLS) $@

$(LIB): $(LIB_OBJS) $(BUILD)/objects
	$(archive)
$(TRACED_LIB): $(TRACED_OBJS) $(BUILD)/objects
	$(archive)
$(FAULTY_LIB): $(FAULTY_OBJS) $(BUILD)/objects
	$(archive)
$(TOOLS_LIB): $(call objects,$(TOOL_SRCS)) $(BUILD)/objects
	$(archive)
$(BUILD)/brood: $(call objects,$(TOOL_SRCS)) $(LIB)
	$(link)
$(EXAMPLES): $(BUILD)/%: $(COMMON)/%.o $(TRACED_LIB)
	$(link)
$(PAGES): $(call objects,$(PAGES_SRC)) $(TOOLS_LIB) $(LIB)
	$(link)
# What brood study lists: the examples in the order of tools/examples/path, each with its first
# line, which make lint checks, under headings.
$(SUMMARIES): tools/examples/path $(EXAMPLE_SRCS)
	@mkdir -p $(@D)
	$(Q)while read -r name words; do case $$name in \
	    '#') echo "# $$words" ;; \
	    *) sed -n "1s|^// \\(.*\\)\\.\$$|$$name \\1|p" tools/examples/$$name.cpp ;; \
	    esac; done < $< > $@

$(BENCHES): $(BUILD)/%: $(COMMON)/%.o $(LIB)
	$(call link,$(PEER_LIBS))
$(addprefix $(BUILD)/tools/bench/,copy run sum): | $(COMMAND)
$(BUILD)/tools/bench/pool: PEER_LIBS = -pthread $(shell pkg-config --libs tbb 2>/dev/null)
# test/exclude.cpp leaves out what cannot be run.
WRAP := -Wl,--wrap=_cmocka_run_group_tests
$(PLAIN_TESTS): $(BUILD)/%: $(COMMON)/%.o $(call objects,$(SUPPORT_SRCS)) $(TOOLS_LIB) $(LIB)
	$(call link,$(WRAP) @$(COMMON)/cmocka.libs)
$(FAULT_TESTS): $(BUILD)/faulty/%: $(COMMON)/faulty/%.o $(call faulty,$(SUPPORT_SRCS)) $(FAULTY_LIB)
	$(call link,$(WRAP) @$(COMMON)/cmocka.libs)

# Bound when loaded: looking up names is no part of an operation.
$(CRASH): $(call narrow,$(CRASH_SRCS) $(CORE_SRCS)) $(PORT_OBJS)
	$(call link,-Wl$(comma)-z$(comma)now)

$(STORM): $(call objects,$(STORM_SRCS)) $(LIB)
	$(link)

$(MODEL): $(call objects,$(MODEL_SRCS))
	$(link)
# The ring's sources in one file with Relacy, which is neither free of warnings nor of exceptions.
$(COMMON)/test/model/relacy/%.o: test/model/relacy/%.cpp test/model/relacy/atomic $(STAMP)
	@tools/build/need.sh relacy-dev
	$(call compile,-fexceptions -frtti -w -iquote src -Itest/model/relacy)
$(RELACY): $(COMMON)/test/model/relacy/relacy.o
	$(link)

# Where CMocka is: installed, or fetched into build/.
$(COMMON)/cmocka.cflags: tools/build/cmocka.sh
	@mkdir -p $(@D)
	@tools/build/cmocka.sh $(COMMON) $(CXX)

# ---- Running and testing ---------------------------------------------------------------------

.PHONY: pictures
PICTURES := ktv traffic_light pool_killed_worker
pictures: $(COMMAND) $(EXAMPLES) $(SUMMARIES) ## Draw tools/study/*.svg anew
	@for name in $(PICTURES); do BROOD_PACE=1 LC_ALL=C $(COMMAND) study $$name \
	    --timeline tools/study/$$name.svg >/dev/null; done
	@$(COMMAND) sched --svg=tools/study/sched.svg A:0:5,10,5 B:1:20 C:2:3 >/dev/null

.PHONY: pages
# They are kept with the sources: a cross build cannot run what it has built.
pages: $(PAGES) ## Write the man page and completions in tools/pages anew, from the commands' tables
	@$(PAGES) man > tools/pages/brood.1
	@$(PAGES) bash > tools/pages/brood.bash
	@$(PAGES) zsh > tools/pages/_brood

.PHONY: run example check sanitize cross cross-check
run: $(COMMAND) ## The main job: brood sum over TREE (/usr/include), verified by sha256sum
	@tools/build/run.sh $(BUILD)/brood $(TREE) $(BUILD)/run.sha256

example: $(filter %/$(NAME),$(EXAMPLES)) ## A program of the notes, NAME=ktv; BROOD_PACE=0.1: faster
	@$(or $<,$(error NAME=$(NAME): there is $(sort $(notdir $(EXAMPLES)))))

CHOSEN = $(if $(T),$(foreach t,$(T),$(or $(filter %/$(t),$(TESTS)), \
         $(error T=$(t): no such test))),$(TESTS))
# Few tests run examples, which take a fifth of all that is built.
WITH_EXAMPLES = $(filter %/trace_test %/pages_test,$(CHOSEN))$(findstring /examples_,$(CHOSEN))
check: lib $(COMMAND) $(if $(WITH_EXAMPLES),examples) $(CHOSEN) ## Every test; or T='pool_test ...'
	@$(if $(filter %/trace_test,$(CHOSEN)),tools/build/need.sh --program strace 2>/dev/null || true)
	@$(if $(filter %/pages_test,$(CHOSEN)),tools/build/need.sh --program mandoc zsh 2>/dev/null || \
	    true)
	@BROOD_BUILD=$(abspath $(BUILD)) BROOD_PORT=$(PORT) BROOD_SANITIZE=$(SANITIZE) \
	    test/run_suite.sh $(CHOSEN)

crash-defects: $(CRASH)
storm-defects: $(STORM)
model-defects: $(MODEL) $(RELACY)
.PHONY: harnesses crash crash-compare crash-defects
harnesses: $(CRASH) $(STORM) $(MODEL) $(RELACY) ## Build what crash, storm and model run; run none

CRASH_ARGS = --jobs $$(nproc) $(if $(SHORT),--short) $(if $(SCENE),--scenario '$(SCENE)')
crash: $(CRASH) ## Kill at each instruction of locks, pools, managers...; SHORT=1, SCENE='put': some
	@$(if $(SANITIZE),echo 'not run: crash: LeakSanitizer cannot be traced',$(CRASH) $(CRASH_ARGS))

crash-compare: ## The same, in short, with locks and queues of others, which promise less
	@tools/build/need.sh libboost-dev || true
	@$(MAKE) -W test/crash/peers.cpp $(CRASH)
	@$(CRASH) --compare --blows 20 --patience 500 $(if $(SCENE),--scenario '$(SCENE)')

crash-defects: ## Whether `make crash` finds test/crash/defects; SHORT=1, DEFECT='pending': some
	@test/defects.sh crash $(BUILD) $(COMMON) $(MAKE) $(DEFECT)

.PHONY: storm storm-defects
MINUTES ?= 2
storm: $(STORM) ## Kill, stop, signal users of a queue, locks, pools, at random; MINUTES=2; SHORT=1
	@$(STORM) --seconds $(if $(SHORT),15,$$(($(MINUTES) * 60))) \
	    $(if $(SCENE),--scenario '$(SCENE)')

storm-defects: ## Whether `make storm` finds each of test/storm/defects; DEFECT='fence': some
	@test/defects.sh storm $(BUILD) $(COMMON) $(MAKE) $(DEFECT)

.PHONY: model model-defects
model: $(MODEL) $(RELACY) ## Every state of models of ring and mutex; the ring in weak memory orders
	@$(MODEL) $(if $(SHORT),--short) $(if $(SCENE),--scenario '$(SCENE)')
	@$(RELACY) $(if $(SHORT),--short) $(if $(SCENE),--scenario '$(SCENE)')

model-defects: $(MODEL) ## Whether `make model` finds its built-in mistakes and test/model/defects
	@$(MODEL) --mistakes
	@test/defects.sh model $(BUILD) $(COMMON) $(MAKE) $(DEFECT)

.PHONY: fuzz
FUZZED := segment_test named_queue_hostile_test auth_handshake_test stream_test manager_fuzz_test \
    manager_hostile_test
fuzz: ## A million times what strangers may write or send, under the sanitizers; SHORT=1: some
	@$(if $(SHORT),,BROOD_LONG=1 BROOD_TEST_SECONDS=14400) \
	    $(MAKE) check SANITIZE=1 T='$(FUZZED)'

sanitize: ## Every test under AddressSanitizer and UndefinedBehaviorSanitizer
	@$(MAKE) check SANITIZE=1

cross: ## Library and command for ARCH=armhf|armel|arm64|i386; fetches the compiler
	@$(MAKE) all ARCH=$(or $(ARCH),armhf)

cross-check: ## The tests for ARCH, under qemu-user (i386: natively); fetches what it needs
	@tools/build/cross_check.sh $(or $(ARCH),armhf) $(MAKE)

# ---- Gates -----------------------------------------------------------------------------------

.PHONY: freestanding lint format tidy size bench
freestanding: $(LIB) $(TRACED_LIB) ## No C++ runtime, heap, libc in the core: includes, symbols
	@test/freestanding/check.sh $(BUILD) $(COMMON) '$(CROSS_COMPILE)' $(CXX)

lint: ## Layout of the sources: lengths, formatting, leftovers, files outside the build
	@tools/build/lint.sh $(CORE_SRCS) $(TOOL_SRCS) $(BY_CPU) $(BY_PORT) $(FAULT_SRCS) $(TEST_SRCS) \
	    $(SUPPORT_SRCS) $(CRASH_SRCS) $(wildcard test/crash/cpu/*.cpp) $(STORM_SRCS) \
	    $(MODEL_SRCS) test/model/relacy/relacy.cpp \
	    $(EXAMPLE_SRCS) $(BENCH_SRCS) $(PAGES_SRC) $(wildcard port/*/*.cpp)

FORMATTED = $(wildcard $(foreach folder,include/brood include/brood/detail src port port/* \
            test test/* test/*/* tools tools/* tools/*/port,$(folder)/*.hpp $(folder)/*.cpp))
format: ## Put every source file into the layout of .clang-format
	@tools/build/need.sh --program clang-format
	$(Q)clang-format -i $(FORMATTED)

tidy: ## clang-tidy over core, port, headers and tools
	@tools/build/need.sh --program clang-tidy
	@tools/build/tidy.sh $(wildcard include/brood/*.hpp include/brood/detail/*.hpp) $(CORE_SRCS) \
	    $(wildcard port/*/*.cpp) $(TOOL_SRCS) $(PAGES_SRC) $(EXAMPLE_SRCS) $(BENCH_SRCS)

size: ## Bytes of each object (-Os) and of a static hello-pool, beside the goals
	@tools/build/size.sh $(MAKE) '$(CROSS_COMPILE)'

CHOSEN_BENCHES = $(if $(BENCH),$(foreach b,$(BENCH),$(or $(filter %/$(b),$(BENCHES)), \
                 $(error BENCH=$(b): no such benchmark))),$(BENCHES))
bench: ## Every measure beside its peers, which it fetches; BENCH='pool lock' chooses
	@tools/build/bench.sh $(MAKE) $(BUILD)/bench.json $(CHOSEN_BENCHES)
.PHONY: benches
benches: $(BENCHES) ## Build the benchmarks, run none

# ---- Installing ------------------------------------------------------------------------------

.PHONY: install check-install check-readme clean help
VERSION = $(shell sed -n 's/.*kVersion = "\(.*\)".*/\1/p' include/brood/version.hpp)
install: all ## Headers, library, command, its pages, Python's client under DESTDIR/PREFIX
	install -d $(DESTDIR)$(PREFIX)/include/brood/detail $(DESTDIR)$(PREFIX)/lib/pkgconfig
	install -m 644 include/brood/*.hpp $(DESTDIR)$(PREFIX)/include/brood
	install -m 644 include/brood/detail/*.hpp $(DESTDIR)$(PREFIX)/include/brood/detail
	install -m 644 $(LIB) $(TRACED_LIB) $(DESTDIR)$(PREFIX)/lib
	$(if $(COMMAND),install -D $(COMMAND) $(DESTDIR)$(PREFIX)/bin/brood)
	install -d $(DESTDIR)$(PREFIX)/libexec/brood
	install $(EXAMPLES) $(DESTDIR)$(PREFIX)/libexec/brood
	install -m 644 $(SUMMARIES) $(DESTDIR)$(PREFIX)/libexec/brood
	sed 's|@PREFIX@|$(PREFIX)|; s|@VERSION@|$(VERSION)|' brood.pc.in \
	    > $(DESTDIR)$(PREFIX)/lib/pkgconfig/brood.pc
	install -D -m 644 tools/python/brood_manager.py -t $(DESTDIR)$(PREFIX)/share/brood
	install -D -m 644 tools/pages/brood.1 -t $(DESTDIR)$(PREFIX)/share/man/man1
	install -D -m 644 tools/pages/_brood -t $(DESTDIR)$(PREFIX)/share/zsh/site-functions
	install -D -m 644 tools/pages/brood.bash \
	    $(DESTDIR)$(PREFIX)/share/bash-completion/completions/brood

check-install: all ## A program builds and runs against an installed tree
	@tools/build/check_install.sh $(BUILD) $(MAKE) $(CXX)

check-readme: all ## Programs and shell of README and CONTRIBUTING run; what they name is there
	@tools/build/readme.sh $(BUILD) $(MAKE) $(CXX)

clean: ## Remove everything that was built or fetched
	rm -rf build

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  %-14s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

-include $(shell find $(sort $(BUILD) $(COMMON)) -name '*.d' 2>/dev/null)
