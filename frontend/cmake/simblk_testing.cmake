# SPDX-License-Identifier: ISC
#
# How a test is added: one line a test, whatever it is. A test whose package is missing is left out
# and reported, unless SIMBLK_REQUIRE_TEST_PACKAGES asks for all of them (CI does).
# Labels: unit, tool, conformance, tidy, install; and threads for unit tests that make threads.

set(SIMBLK_HAVE_CUNIT OFF)
set(SIMBLK_HAVE_CHECK OFF)
if(BUILD_TESTING)
    find_package(PkgConfig QUIET)
    if(PkgConfig_FOUND)
        pkg_check_modules(cunit QUIET IMPORTED_TARGET cunit)
        pkg_check_modules(check QUIET IMPORTED_TARGET check)
        set(SIMBLK_HAVE_CUNIT ${cunit_FOUND})
        set(SIMBLK_HAVE_CHECK ${check_FOUND})
    endif()
    if(SIMBLK_REQUIRE_TEST_PACKAGES AND NOT (SIMBLK_HAVE_CUNIT AND SIMBLK_HAVE_CHECK))
        message(FATAL_ERROR "Tests need pkg-config, CUnit and Check "
            "(Debian: pkg-config libcunit1-dev check). `sh .ci/test` installs them.")
    endif()
endif()

# What a failing sanitizer must do so that a test sees it; only read by instrumented programs. And
# libcheck's own limit of four seconds a test is short for those on a busy machine.
set(SIMBLK_TEST_ENVIRONMENT
    "CK_DEFAULT_TIMEOUT=60"
    "ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1"
    "UBSAN_OPTIONS=print_stacktrace=1"
    "TSAN_OPTIONS=halt_on_error=1")

# What makes threads can be built and run alone: the target threads, and the label threads.
if(BUILD_TESTING)
    find_package(Threads REQUIRED)
    add_custom_target(threads)
endif()

# ThreadSanitizer gives up where the kernel places memory too much at random (vm.mmap_rnd_bits of
# more than 28), so tests begin with setarch where that may turn it off; some containers forbid it.
set(simblk_test_launcher)
if(BUILD_TESTING AND "thread" IN_LIST SIMBLK_SANITIZE)
    execute_process(COMMAND setarch -R true RESULT_VARIABLE setarch_result ERROR_QUIET)
    if("${setarch_result}" STREQUAL "0")
        set(simblk_test_launcher setarch -R)
    endif()
endif()

# simblk_add_test(NAME name LABEL label... COMMAND word... [TIMEOUT seconds] [ENVIRONMENT pair...])
# Any command as a test; exit code 77 means skipped.
function(simblk_add_test)
    cmake_parse_arguments(PARSE_ARGV 0 arg "" "NAME;TIMEOUT" "LABEL;COMMAND;ENVIRONMENT")
    if(NOT BUILD_TESTING)
        return()
    endif()
    # What hangs is ended, not what is slow: sanitizers beside other work on few processors.
    if(NOT arg_TIMEOUT)
        set(arg_TIMEOUT 600)
    endif()
    if(simblk_test_launcher)
        list(POP_FRONT arg_COMMAND program)
        if(TARGET "${program}")
            set(program $<TARGET_FILE:${program}>)
        endif()
        list(PREPEND arg_COMMAND ${simblk_test_launcher} ${program})
    endif()
    add_test(NAME ${arg_NAME} COMMAND ${arg_COMMAND} COMMAND_EXPAND_LISTS)
    set_tests_properties(${arg_NAME} PROPERTIES
        LABELS "${arg_LABEL}"
        TIMEOUT ${arg_TIMEOUT}
        SKIP_RETURN_CODE 77
        ENVIRONMENT "${SIMBLK_TEST_ENVIRONMENT};${arg_ENVIRONMENT}")
endfunction()

# How the sources of tests are compiled: they see their folder's src/ and frontend/test/
# (cunit_main.h), and know the tree as SIMBLK_SOURCE_DIR and its build folder as SIMBLK_BINARY_DIR.
function(simblk_set_test_language name)
    simblk_set_language(${name})
    cmake_path(GET CMAKE_CURRENT_SOURCE_DIR FILENAME folder)
    set(folder_root ${CMAKE_CURRENT_SOURCE_DIR})
    if(folder STREQUAL "test")
        cmake_path(GET CMAKE_CURRENT_SOURCE_DIR PARENT_PATH folder_root)
    endif()
    target_include_directories(${name} PRIVATE
        ${folder_root}/src ${folder_root}/test ${PROJECT_SOURCE_DIR}/frontend/test)
    target_compile_definitions(${name} PRIVATE
        SIMBLK_SOURCE_DIR="${PROJECT_SOURCE_DIR}"
        SIMBLK_BINARY_DIR="${PROJECT_BINARY_DIR}")
endfunction()

# The target of a source that several tests of this folder share.
function(simblk_shared_test_source source variable)
    cmake_path(RELATIVE_PATH CMAKE_CURRENT_SOURCE_DIR BASE_DIRECTORY ${PROJECT_SOURCE_DIR}
        OUTPUT_VARIABLE folder)
    cmake_path(GET source STEM stem)
    string(REPLACE / _ target ${folder}_${stem})
    set(${variable} ${target} PARENT_SCOPE)
endfunction()

# simblk_share_test_sources(source... [LIBS target...] [DEFINES definition...])
# Each is compiled once, for all tests of this folder that name it after this.
function(simblk_share_test_sources)
    cmake_parse_arguments(PARSE_ARGV 0 arg "" "" "LIBS;DEFINES")
    if(NOT BUILD_TESTING OR NOT SIMBLK_HAVE_CUNIT OR NOT SIMBLK_HAVE_CHECK)
        return()
    endif()
    foreach(source IN LISTS arg_UNPARSED_ARGUMENTS)
        simblk_shared_test_source(${source} target)
        add_library(${target} OBJECT ${source})
        simblk_set_test_language(${target})
        target_compile_definitions(${target} PRIVATE ${arg_DEFINES})
        target_link_libraries(${target} PRIVATE ${arg_LIBS} PkgConfig::cunit PkgConfig::check)
    endforeach()
endfunction()

function(simblk_add_test_program name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LIBS")
    set(sources)
    foreach(source IN LISTS arg_SOURCES)
        simblk_shared_test_source(${source} shared)
        if(TARGET ${shared})
            set(source $<TARGET_OBJECTS:${shared}>)
        endif()
        list(APPEND sources ${source})
    endforeach()
    add_executable(${name} ${sources})
    simblk_set_test_language(${name})
    target_link_libraries(${name} PRIVATE ${arg_LIBS})
endfunction()

# simblk_add_unit_test(NAME source... [THREADS] [LIBS target...] [LABEL label] [TIMEOUT seconds])
# A CUnit program and the test of its name; its main comes from cunit_main.h.
function(simblk_add_unit_test name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "THREADS" "LABEL;TIMEOUT" "LIBS")
    if(NOT BUILD_TESTING OR NOT SIMBLK_HAVE_CUNIT)
        return()
    endif()
    if(NOT arg_LABEL)
        set(arg_LABEL unit)
    endif()
    if(arg_THREADS)
        list(APPEND arg_LABEL threads)
        list(APPEND arg_LIBS Threads::Threads)
        add_dependencies(threads ${name})
    endif()
    simblk_add_test_program(${name} SOURCES ${arg_UNPARSED_ARGUMENTS}
        LIBS ${arg_LIBS} PkgConfig::cunit)
    simblk_add_test(NAME ${name} LABEL ${arg_LABEL} TIMEOUT ${arg_TIMEOUT} COMMAND ${name})
endfunction()

# simblk_add_check_test(NAME source... [LIBS target...] [LABEL label] [TIMEOUT seconds])
# A libcheck program (fork mode) and the test of its name; its main comes from check_main.h.
function(simblk_add_check_test name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "LABEL;TIMEOUT" "LIBS")
    if(NOT BUILD_TESTING OR NOT SIMBLK_HAVE_CHECK)
        return()
    endif()
    if(NOT arg_LABEL)
        set(arg_LABEL tool)
    endif()
    simblk_add_test_program(${name} SOURCES ${arg_UNPARSED_ARGUMENTS}
        LIBS ${arg_LIBS} PkgConfig::check)
    simblk_add_test(NAME ${name} LABEL ${arg_LABEL} TIMEOUT ${arg_TIMEOUT} COMMAND ${name})
endfunction()
