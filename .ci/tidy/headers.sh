#!/bin/sh
# SPDX-License-Identifier: ISC
#
# Every header compiles alone: all of them as C11 with our warnings, the public ones as C++ too. The
# public headers of the frontend see no other include path than their own.
#
#     headers.sh ROOT CC CXX [FLAG...]          CXX may be empty: then no C++

set -eu
LC_ALL=C
export LC_ALL

cd "$1"
cc=$2
cxx=$3
shift 3
bad=0

compile() { # compiler, language, standard, header as included, flags...
    compiler=$1 language=$2 standard=$3 header=$4
    shift 4
    # The declaration: a header may hold macros alone, a translation unit may not.
    if ! printf '#include "%s"\nextern int alone;\n' "$header" |
        "$compiler" -x "$language" "-std=$standard" -fsyntax-only "$@" -; then
        echo "$header: does not compile alone as $standard"
        bad=1
    fi
}

paths_of() { # the include path of a header's folder
    case $1 in
    frontend/include/*) echo "-Ifrontend/include" ;;
    frontend/test/*) echo "-Ifrontend/include -Ifrontend/src -Ifrontend/test -Isimback/include" ;;
    frontend/*) echo "-Ifrontend/include -Ifrontend/src" ;;
    simback/include/*) echo "-Ifrontend/include -Isimback/include" ;;
    simback/test/*)
        echo "-Ifrontend/include -Ifrontend/test -Isimback/include -Isimback/src -Isimback/test"
        ;;
    simback/*) echo "-Ifrontend/include -Isimback/include -Isimback/src" ;;
    *) echo "-Ifrontend/include -Isimback/include -Iscenarios/include -I${1%%/*}/src" ;;
    esac
}

for header in $(find frontend simback scenarios fuzz -type f -name '*.h' | sort); do
    # A header of tests needs the package that its tests need, one for a real Xen Xen's.
    case $header in
    */cunit_*.h) echo '#include <CUnit/CUnit.h>' | "$cc" -E - >/dev/null 2>&1 || continue ;;
    frontend/platform/* | simback/live/*)
        echo '#include <xenstore.h>' | "$cc" -E - >/dev/null 2>&1 || continue
        ;;
    */check_*.h) echo '#include <check.h>' | "$cc" -E - >/dev/null 2>&1 || continue ;;
    esac
    # The words of the path list are meant to be split.
    # shellcheck disable=SC2046
    compile "$cc" c c11 "$header" "$@" -I. $(paths_of "$header")
    case $header in
    */include/*)
        # shellcheck disable=SC2046
        [ -z "$cxx" ] || compile "$cxx" c++ c++11 "$header" -Wall -Wextra -Wpedantic -Werror -I. \
            $(paths_of "$header")
        ;;
    esac
done

exit $bad
