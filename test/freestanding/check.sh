#!/bin/bash
# check.sh BUILD COMMON CROSS_COMPILE CXX...: what brood may lean on.
#
# The core (src/) sees the freestanding std headers, brood's own and port/; it calls nothing but the
# port and the four functions that compilers call by themselves. The whole archive needs no C++
# library, no heap, no thread, no constructor before main, and no clock that can be set.
set -euo pipefail
export LC_ALL=C
build=$1 common=$2 cross=$3
shift 3
compiler=("$@")
failures=0

complain() {  # title, offending lines (none: all is well)
    if [[ -n $2 ]]; then
        echo "$1:"
        printf '%s\n' "$2" | sed 's/^/    /'
        failures=$((failures + 1))
    fi
}

includes() { grep -nE '^ *# *include' "$@" /dev/null || true; }
not_of() { grep -vE "# *include *($1)" || true; }

std='<(atomic|cstddef|cstdint|initializer_list|limits|new|type_traits|utility)>'
own='<brood/[a-z_/]+\.hpp>'
complain "the core includes more than std's freestanding headers, brood/ and port/" \
    "$(includes src/*.cpp src/*.hpp |
        not_of "$std|$own|\"[a-z0-9_]+\.hpp\"|<port/(port|types)\.hpp>")"
complain "a public header includes more than std's freestanding headers and brood/" \
    "$(includes include/brood/*.hpp include/brood/*/*.hpp | not_of "$std|$own")"
complain "the port's page includes more than std's freestanding headers and brood/" \
    "$(includes port/*.hpp | not_of "$std|$own|<port/types\.hpp>")"
systems='(linux|unix|_WIN[0-9]|__APPLE__|BSD|ANDROID|_POSIX|GLIBC|__sun)'
complain "an operating system is named in #if outside port/" \
    "$(grep -rnE "^ *# *(if|elif|ifdef|ifndef).*$systems" include src tools test \
        --include='*.[ch]pp' || true)"

# Timeouts must not stretch when somebody sets the clock. Both ports, whichever was built. A line
# that must name that clock all the same ends with "// wall clock: " and why it does no harm.
# port/traced only hands on what a port asks for.
wall='pthread_mutex_timedlock|pthread_rwlock_timed[a-z]+|pthread_cond_[a-z]+|sem_timedwait'
wall+='|mq_timed(send|receive)|gettimeofday|timespec_get|[a-z_]*CLOCK_REALTIME[A-Z_]*'
complain "something follows the wall clock" \
    "$(grep -rnE "^([^/]|/[^/])*\\b(($wall)\\b|(std::|::)?time\()" src include port \
        --exclude-dir=traced |
        grep -v '// wall clock: .' || true)"

for header in include/brood/*.hpp; do
    complain "$header does not compile by itself, freestanding" "$(
        echo "#include <${header#include/}>" | "${compiler[@]}" -std=c++17 -ffreestanding \
            -fno-exceptions -fno-rtti -Wall -Wextra -Werror -Iinclude -fsyntax-only -x c++ - 2>&1)"
done

undefined() { "${cross}nm" -u "$@" | awk 'NF == 2 {print $2}' | sort -u; }

# Compilers put these in for copies, and on boards for divisions and atomics.
by_compiler='mem(cpy|set|move|cmp)|_GLOBAL_OFFSET_TABLE_|__aeabi_[a-z0-9_]+|__sync_[a-z0-9_]+'
by_compiler+='|__u?(div|mod|divmod)[sd]i[34]'
core=(src/*.cpp)
core=("${core[@]/#/$common/}")
core=("${core[@]/%.cpp/.o}")
complain "the core calls what is neither brood's nor one of memcpy, memset, memmove, memcmp" \
    "$(undefined "${core[@]}" | grep -vE "^((_ZN?K?|_ZTVN)5brood.*|$by_compiler)$" || true)"
all=$(undefined "$build/libbrood.a")
runtime='^(_Zn[wa]|_Zd[la]|__cxa_|__gxx_|_ZN?K?S|_ZT[IS]|_ZTVN10__cxxabiv1|__dynamic_cast|_Unwind)'
complain "the archive needs the C++ runtime" "$(grep -E "$runtime" <<<"$all" || true)"
heap='malloc|calloc|realloc|reallocarray|free|aligned_alloc|posix_memalign|v?asprintf|strn?dup'
heap+='|getline|getdelim|f?dopendir|opendir|scandir|f(d|re)?open|popen|tmpfile|open_memstream'
heap+='|getaddrinfo|setenv|putenv|qsort'
# POSIX has no other way to list names than opendir(). Only who lists pools links that.
[[ ! -e $build/port/posix/object_list.o ]] || heap=${heap/'|opendir'/}
complain "the archive allocates on the heap" "$(grep -xE "$heap" <<<"$all" || true)"
complain "the archive starts threads" "$(grep -xE 'pthread_create|thrd_create' <<<"$all" || true)"
complain "constructors run before main" \
    "$("${cross}objdump" -h "$build/libbrood.a" | grep -E '\.(pre)?(init_array|ctors)' || true)"

# All else that ports call is shown by port/traced.
no_system_call='_GLOBAL_OFFSET_TABLE_|__errno_location|__fpurge|__libc_current_sigrtmin'
no_system_call+='|clock_gettime|environ|exit|getenv|getpagesize|mem(cpy|move|set)|str[a-z_]*'
no_system_call+='|pthread_(atfork|once|setcancelstate|mutex_(init|trylock|consistent)|mutexattr_.*)'
no_system_call+='|sem_(getvalue|trywait)|sig(addset|emptyset|fillset|ismember)|std(out|err)'
complain "a port makes calls that BROOD_TRACE does not show" "$(undefined \
    "$build"/traced/port/*/*.o | grep -vE "^(_ZN?K?5brood.*|brood_traced_.*|$no_system_call)$" |
    grep -vE "^($by_compiler)$" || true)"

program=$build/freestanding
whole=(-Wl,--whole-archive "$build/libbrood.a" -Wl,--no-whole-archive)
complain "the archive does not link without a C++ library" "$("${compiler[@]}" -std=c++17 \
    -Iinclude test/freestanding/main.cpp "${whole[@]}" -nodefaultlibs -lc -lgcc -pthread -lrt \
    -o "$program" 2>&1)"

((failures == 0)) || { echo "freestanding: $failures rules broken"; exit 1; }
echo "freestanding: ${#core[@]} core objects; no C++ runtime, heap, thread, constructor, wall clock"
