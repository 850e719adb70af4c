# SPDX-License-Identifier: ISC
#
# How everything of ours is compiled: warnings, sanitizers, coverage and fuzzing as INTERFACE
# targets, and the functions that make a library or a program with them. Tests are in
# simblk_testing.cmake.

include(GNUInstallDirs)

add_library(simblk_warnings INTERFACE)
target_compile_options(simblk_warnings INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wcast-align -Wcast-qual -Wwrite-strings
    -Wstrict-prototypes -Wmissing-prototypes -Wundef -Wvla -Wformat=2 -Wswitch-enum
    $<$<BOOL:${SIMBLK_WERROR}>:-Werror>)

# What every object and every program of one build must agree on.
add_library(simblk_instrumentation INTERFACE)

# Sanitizers are in all objects, but not in a build of fuzz targets: there, in what is explored.
# Whoever plays and judges is checked in the builds of the tests, and here it would cost most of the
# time.
add_library(simblk_sanitized INTERFACE)
if(SIMBLK_SANITIZE)
    list(JOIN SIMBLK_SANITIZE "," simblk_sanitizers)
    target_compile_options(simblk_sanitized INTERFACE
        -fsanitize=${simblk_sanitizers} -fno-sanitize-recover=all -fno-omit-frame-pointer -g)
    target_link_options(simblk_instrumentation INTERFACE -fsanitize=${simblk_sanitizers})
    if(NOT SIMBLK_FUZZ)
        target_link_libraries(simblk_instrumentation INTERFACE simblk_sanitized)
    endif()
endif()
if(SIMBLK_COVERAGE)
    target_link_options(simblk_instrumentation INTERFACE --coverage)
endif()

# Line counters, for libraries alone: a test's own lines would only flatter the figure. Updates are
# atomic because worker threads share them.
add_library(simblk_coverage INTERFACE)
if(SIMBLK_COVERAGE)
    target_compile_options(simblk_coverage INTERFACE --coverage -fprofile-update=atomic)
endif()

# Edge counters for libFuzzer: only the code that an input should explore, libblkfront and for
# fuzz_backend libsimback.
# Comparisons are not traced: they would serve libFuzzer's own mutations alone, and ours change
# programs by the table of steps; they cost more than half of a run. Nor are calls by pointer: each
# has its edges where it arrives.
#
# An engine of somebody else's (SIMBLK_FUZZ_ENGINE) comes with compilers and flags that count.
add_library(simblk_fuzzed INTERFACE)
if(SIMBLK_FUZZ AND NOT SIMBLK_FUZZ_ENGINE)
    if(NOT CMAKE_C_COMPILER_ID STREQUAL "Clang")
        message(FATAL_ERROR "SIMBLK_FUZZ needs clang (libFuzzer); the compiler is "
            "${CMAKE_C_COMPILER_ID}. Use: cmake --preset fuzz")
    endif()
    target_compile_options(simblk_fuzzed INTERFACE
        -fsanitize=fuzzer-no-link -fno-sanitize-coverage=trace-cmp,indirect-calls -g)
    # Programs that are no fuzz targets link the counters' runtime without libFuzzer's main.
    target_link_options(simblk_instrumentation INTERFACE -fsanitize=fuzzer-no-link)
endif()

# Whether what is explored is compiled otherwise than what plays it: then a library that is both is
# built twice.
set(SIMBLK_EXPLORED_APART ${SIMBLK_FUZZ})

# The counters of somebody else's engine are taken out of what is not explored. AFL++'s compiler
# knows files, and takes that from its environment.
set(simblk_uncounted)
set(simblk_uncounting)
if(SIMBLK_FUZZ_ENGINE AND CMAKE_C_COMPILER MATCHES "afl")
    file(WRITE ${PROJECT_BINARY_DIR}/unexplored.txt "src: *\n")
    set(simblk_uncounting
        "${CMAKE_COMMAND} -E env AFL_LLVM_DENYLIST=${PROJECT_BINARY_DIR}/unexplored.txt")
elseif(SIMBLK_FUZZ_ENGINE AND CMAKE_C_COMPILER_ID STREQUAL "Clang")
    set(simblk_uncounted -fno-sanitize=fuzzer-no-link
        -fno-sanitize-coverage=func,bb,edge,inline-8bit-counters,trace-pc-guard,pc-table,trace-cmp)
endif()

function(simblk_leave_unexplored target)
    target_compile_options(${target} PRIVATE ${simblk_uncounted})
    set_property(TARGET ${target} PROPERTY RULE_LAUNCH_COMPILE ${simblk_uncounting})
endfunction()

function(simblk_set_language target)
    set_target_properties(${target} PROPERTIES
        C_STANDARD 11
        C_STANDARD_REQUIRED ON
        C_EXTENSIONS OFF
        POSITION_INDEPENDENT_CODE ON)
    # BUILD_INTERFACE: these are ours alone, an installed library must not ask for them.
    target_link_libraries(${target} PRIVATE
        $<BUILD_INTERFACE:simblk_warnings>
        $<BUILD_INTERFACE:simblk_instrumentation>)
endfunction()

# simblk_add_library(NAME
#     [STATIC] [FUZZED]           always an archive; explored by the fuzzers
#     [INCLUDE dir]               public headers, relative to the folder
#     [SOURCES file...]           by name
#     [LINKS target...]           public
#     [DEFINES definition...])    private
#
# Without sources it is a library of headers, so that a folder can be configured before it has any.
function(simblk_add_library name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "STATIC;FUZZED" "INCLUDE" "SOURCES;LINKS;DEFINES")
    if(arg_UNPARSED_ARGUMENTS)
        message(FATAL_ERROR "simblk_add_library(${name}): unknown ${arg_UNPARSED_ARGUMENTS}")
    endif()
    set(type)
    if(arg_STATIC)
        set(type STATIC)
    endif()
    set(scope PUBLIC)
    if(arg_SOURCES)
        add_library(${name} ${type} ${arg_SOURCES})
        simblk_set_language(${name})
        target_include_directories(${name} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/src)
        target_compile_definitions(${name} PRIVATE ${arg_DEFINES})
        target_link_libraries(${name} PRIVATE $<BUILD_INTERFACE:simblk_coverage>)
        if(arg_FUZZED)
            target_link_libraries(${name} PRIVATE
                $<BUILD_INTERFACE:simblk_fuzzed> $<BUILD_INTERFACE:simblk_sanitized>)
        else()
            simblk_leave_unexplored(${name})
        endif()
    else()
        set(scope INTERFACE)
        add_library(${name} INTERFACE)
    endif()
    add_library(simblk::${name} ALIAS ${name})
    if(arg_INCLUDE)
        target_include_directories(${name} ${scope}
            $<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}/${arg_INCLUDE}>
            $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
    endif()
    target_link_libraries(${name} ${scope} ${arg_LINKS})
endfunction()

# simblk_add_program(NAME SOURCES file... [LINKS target...])
function(simblk_add_program name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LINKS")
    add_executable(${name} ${arg_SOURCES})
    simblk_set_language(${name})
    target_include_directories(${name} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/src)
    simblk_leave_unexplored(${name})
    target_link_libraries(${name} PRIVATE ${arg_LINKS})
endfunction()

# One screen that tells what was found and what is therefore built.
function(simblk_report)
    if(NOT BUILD_TESTING)
        set(tests "off (BUILD_TESTING=OFF)")
    elseif(NOT SIMBLK_HAVE_CUNIT OR NOT SIMBLK_HAVE_CHECK)
        set(missing)
        if(NOT SIMBLK_HAVE_CUNIT)
            list(APPEND missing "CUnit (libcunit1-dev)")
        endif()
        if(NOT SIMBLK_HAVE_CHECK)
            list(APPEND missing "Check (check)")
        endif()
        list(JOIN missing " and " missing)
        set(tests "only in part: ${missing} not found; `sh .ci/test` installs what tests need")
    else()
        set(tests "all")
    endif()
    set(sanitizers none)
    if(SIMBLK_SANITIZE)
        list(JOIN SIMBLK_SANITIZE "," sanitizers)
    endif()
    message(STATUS "simblk ${PROJECT_VERSION}: ${CMAKE_C_COMPILER_ID} ${CMAKE_C_COMPILER_VERSION}, "
        "${CMAKE_BUILD_TYPE}")
    message(STATUS "  tests:      ${tests}")
    if(SIMBLK_HAVE_XEN)
        set(xen "found: the platform on a real Xen is built")
    else()
        set(xen "left out: ${simblk_xen_missing}")
    endif()
    message(STATUS "  Xen:        ${xen}")
    set(nbdkit "left out: needs nbdkit-plugin-dev, and no sanitizer")
    if(TARGET nbdkit-simblk-plugin)
        set(nbdkit "found: the plugin is built")
    endif()
    message(STATUS "  nbdkit:     ${nbdkit}")
    message(STATUS "  sanitizers: ${sanitizers}")
    message(STATUS "  coverage:   ${SIMBLK_COVERAGE}, fuzz targets: ${SIMBLK_FUZZ}, "
        "warnings are errors: ${SIMBLK_WERROR}")
endfunction()
