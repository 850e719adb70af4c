# SPDX-License-Identifier: ISC
#
# The checks of the tree itself as tests, label tidy. They need a POSIX shell and nothing else.

if(NOT BUILD_TESTING)
    return()
endif()

set(tidy ${PROJECT_SOURCE_DIR}/.ci/tidy)

# The language's sources, from the one list that the build uses.
set(language)
get_target_property(language_type scenario_language TYPE)
if(NOT language_type STREQUAL "INTERFACE_LIBRARY")
    get_target_property(sources scenario_language SOURCES)
    list(TRANSFORM sources PREPEND scenarios/)
    set(language ${sources})
endif()

find_program(SIMBLK_CXX NAMES c++ g++ clang++ DOC "C++ compiler, to try the public headers")
mark_as_advanced(SIMBLK_CXX)
set(cxx "${SIMBLK_CXX}")
if(NOT cxx)
    set(cxx "")
endif()
get_target_property(warnings simblk_warnings INTERFACE_COMPILE_OPTIONS)
list(FILTER warnings EXCLUDE REGEX "^\\$<")

function(simblk_add_tidy_test script)
    cmake_path(GET script STEM name)
    simblk_add_test(NAME tidy_${name} LABEL tidy COMMAND sh ${tidy}/${script} ${ARGN})
endfunction()

simblk_add_tidy_test(includes.sh ${PROJECT_SOURCE_DIR} ${language})
simblk_add_tidy_test(text.sh ${PROJECT_SOURCE_DIR})
simblk_add_tidy_test(listed.sh ${PROJECT_SOURCE_DIR})
simblk_add_tidy_test(headers.sh ${PROJECT_SOURCE_DIR} ${CMAKE_C_COMPILER} "${cxx}"
    ${warnings} -Werror)
simblk_add_tidy_test(scenarios.sh ${PROJECT_SOURCE_DIR})
simblk_add_tidy_test(protocol.sh ${PROJECT_SOURCE_DIR})
simblk_add_tidy_test(bugs.sh ${PROJECT_SOURCE_DIR})
simblk_add_tidy_test(blobs.sh ${PROJECT_SOURCE_DIR})
simblk_add_tidy_test(scripts.sh ${PROJECT_SOURCE_DIR})
simblk_add_tidy_test(selftest.sh ${PROJECT_BINARY_DIR}/tidy-selftest ${CMAKE_C_COMPILER})
