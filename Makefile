# brood: `make help` lists the targets.

PORT ?= linux
CROSS_COMPILE ?=
ifeq ($(origin CXX),default)
CXX := $(CROSS_COMPILE)g++
endif
ifeq ($(origin AR),default)
AR := $(CROSS_COMPILE)ar
endif
OPT ?= -O2
SANITIZE ?=
V ?=
Q := $(if $(V),,@)

# One build folder for each combination, so that none ever mixes objects of two.
BUILD ?= build/$(PORT)-$(notdir $(CXX))$(if $(SANITIZE),-sanitize)

WARN := -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror
SAN_FLAGS := $(if $(SANITIZE),-fsanitize=address$(comma)undefined -fno-sanitize-recover=all)
comma := ,
CPPFLAGS += -Iinclude -I.
CXXFLAGS += -std=c++17 $(OPT) -g $(WARN) -fno-exceptions -fno-rtti -ffunction-sections \
            -fdata-sections $(SAN_FLAGS)
# The core sees no hosted library: no guards around static locals, no implicit calls but memcpy's.
CORE_FLAGS := -ffreestanding -fno-threadsafe-statics -fno-builtin-memcpy
# The strict port must not see what g++ switches on by itself.
POSIX_FLAGS := -U_GNU_SOURCE -D_POSIX_C_SOURCE=200809L -D_XOPEN_SOURCE=700
LDFLAGS += $(SAN_FLAGS) -Wl,--gc-sections
LDLIBS += -pthread -lrt

# A port is a folder: a file there replaces the file of the same name in port/posix.
PORT_SRCS := $(if $(filter-out posix,$(PORT)),$(wildcard port/$(PORT)/*.cpp))
REPLACED := $(addprefix port/posix/,$(notdir $(PORT_SRCS)))
BASE_SRCS := $(filter-out $(REPLACED),$(wildcard port/posix/*.cpp))
CORE_SRCS := $(wildcard src/*.cpp)
LIB_OBJS := $(patsubst %.cpp,$(BUILD)/%.o,$(CORE_SRCS) $(BASE_SRCS) $(PORT_SRCS))
LIB := $(BUILD)/libbrood.a

TEST_SRCS := $(wildcard test/*_test.cpp)
TESTS := $(patsubst test/%.cpp,$(BUILD)/test/%,$(TEST_SRCS))

.PHONY: all check clean
all: $(LIB)

$(BUILD)/src/%.o: src/%.cpp
	@mkdir -p $(@D)
	@echo "  CXX $<"
	$(Q)$(CXX) $(CPPFLAGS) $(CXXFLAGS) $(CORE_FLAGS) -MMD -MP -c $< -o $@

$(BUILD)/port/posix/%.o: port/posix/%.cpp
	@mkdir -p $(@D)
	@echo "  CXX $<"
	$(Q)$(CXX) $(CPPFLAGS) $(CXXFLAGS) $(POSIX_FLAGS) -MMD -MP -c $< -o $@

$(BUILD)/%.o: %.cpp
	@mkdir -p $(@D)
	@echo "  CXX $<"
	$(Q)$(CXX) $(CPPFLAGS) $(CXXFLAGS) -MMD -MP -c $< -o $@

$(LIB): $(LIB_OBJS)
	@echo "  AR  $@"
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(BUILD)/test/%_test: $(BUILD)/test/%_test.o $(LIB)
	@echo "  LD  $@"
	$(Q)$(CXX) $(LDFLAGS) $^ -lcmocka $(LDLIBS) -o $@

check: $(TESTS)
	@for t in $(TESTS); do echo "== $$t"; $$t || exit 1; done

clean:
	rm -rf build

-include $(LIB_OBJS:.o=.d) $(TESTS:=.d)
