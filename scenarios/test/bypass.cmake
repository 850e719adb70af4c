# SPDX-License-Identifier: ISC
#
# The frontend in which each access of memory is told to bypass.c, by clang, at -O0 and at -O2: all
# of scenarios/conformance must pass. And with a bypass planted in one source: it must be found.

find_program(SIMBLK_OBJCOPY NAMES objcopy DOC "Renames the memory functions that objects call")
mark_as_advanced(SIMBLK_OBJCOPY)
if(NOT CMAKE_C_COMPILER_ID STREQUAL "Clang" OR NOT SIMBLK_OBJCOPY
        OR SIMBLK_SANITIZE OR SIMBLK_COVERAGE OR SIMBLK_FUZZ)
    message(STATUS "conformance_bypass: left out, needs clang, objcopy and objects without other "
        "instrumentation")
    return()
endif()

set(renamed)
foreach(function IN ITEMS memcpy memmove memset memcmp blkfront_observe)
    string(REPLACE blkfront_ "" short ${function})
    list(APPEND renamed --redefine-sym ${function}=checked_${short})
endforeach()

# A library of the frontend's sources. No built-ins: each call of memcpy and its like is a call.
function(simblk_traced_library name optimise)
    add_library(${name} STATIC ${ARGN})
    simblk_set_language(${name})
    target_link_libraries(${name} PUBLIC blkfront_headers)
    target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/frontend/src)
    target_compile_definitions(${name} PRIVATE BLKFRONT_OBSERVED=1)
    target_compile_options(${name} PRIVATE ${optimise} -fno-builtin
        -fsanitize-coverage=func,trace-loads,trace-stores)
    add_custom_command(TARGET ${name} POST_BUILD
        COMMAND ${SIMBLK_OBJCOPY} ${renamed} $<TARGET_FILE:${name}>)
endfunction()

# The tool over such libraries.
function(simblk_traced_tool name)
    simblk_add_tool(${name} SUBJECT ${PROJECT_SOURCE_DIR}/scenarios/src/tool_subject.c
        LINKS ${ARGN} scenario simback)
    target_sources(${name} PRIVATE
        ${PROJECT_SOURCE_DIR}/scenarios/src/subject_blkfront.c
        ${bypass_source})
    target_compile_definitions(${name} PRIVATE SCENARIO_OBSERVED=1)
    target_link_options(${name} PRIVATE
        "LINKER:--wrap=blkfront_create" "LINKER:--wrap=blkfront_destroy")
endfunction()

get_target_property(sources blkfront_observed SOURCES)
list(TRANSFORM sources PREPEND ${PROJECT_SOURCE_DIR}/frontend/)
foreach(level IN ITEMS O0 O2)
    simblk_traced_library(blkfront_traced_${level} -${level} ${sources})
    simblk_traced_tool(simblk_traced_${level} blkfront_traced_${level})
    simblk_add_test(NAME conformance_bypass_${level} LABEL conformance
        COMMAND simblk_traced_${level} run ${PROJECT_SOURCE_DIR}/scenarios/conformance)
endforeach()

# Enough to reach what is planted.
set(planted_scenarios)
foreach(topic IN ITEMS read write persistent)
    list(APPEND planted_scenarios ${PROJECT_SOURCE_DIR}/scenarios/conformance/${topic})
endforeach()

# simblk_plant_bypass(NAME FILE OLD NEW): OLD stands in the frontend's FILE once.
function(simblk_plant_bypass name file old new)
    file(READ ${PROJECT_SOURCE_DIR}/frontend/src/${file} text)
    string(REPLACE "${old}" "${new}" planted "${text}")
    string(REPLACE "${old}" "" without "${text}")
    string(LENGTH "${text}" before)
    string(LENGTH "${without}" after)
    string(LENGTH "${old}" once)
    math(EXPR removed "${before} - ${after}")
    if(NOT removed EQUAL once)
        message(FATAL_ERROR "bypass ${name}: not once in ${file}: ${old}")
    endif()
    set(copy ${CMAKE_CURRENT_BINARY_DIR}/bypass/${name}/${file})
    file(CONFIGURE OUTPUT ${copy} CONTENT "${planted}" @ONLY)
    foreach(level IN ITEMS O0 O2)
        set(target simblk_bypass_${name}_${level})
        simblk_traced_library(${target}_part -${level} ${copy})
        # As a whole: what it defines is then not taken from the library.
        simblk_traced_tool(${target}
            $<LINK_LIBRARY:WHOLE_ARCHIVE,${target}_part> blkfront_traced_${level})
        simblk_add_test(NAME conformance_bypass_${name}_${level} LABEL conformance
            COMMAND ${target} run ${planted_scenarios})
        set_tests_properties(conformance_bypass_${name}_${level} PROPERTIES
            PASS_REGULAR_EXPRESSION "bypass: .* of a granted page, .* was not announced")
    endforeach()
endfunction()

simblk_plant_bypass(response_in_place poll.c
    "wire_decode(bytes, &response)"
    "wire_decode((const unsigned char *)queue->ring_slots + (size_t)at * queue->layout->slot_size,
                &response)")
simblk_plant_bypass(index_again poll.c
    "ring_consumed(&queue->ring);"
    "ring_consumed(&queue->ring);
    if (queue->ring.words->rsp_prod == queue->ring.rsp_cons)
        tolerated = false;")
simblk_plant_bypass(plain_store poll.c
    "ring_consumed(&queue->ring);"
    "ring_consumed(&queue->ring);
    queue->ring.words->rsp_event = queue->ring.rsp_cons;")
simblk_plant_bypass(plain_zero part.c
    "shared_zero(page, BLKIF_WIRE_PAGE_SIZE); /* I6 */"
    "memset(page, 0, BLKIF_WIRE_PAGE_SIZE);")
simblk_plant_bypass(plain_copy part.c
    "shared_copy_data_out(page + used,"
    "memcpy(page + used,")
