# SPDX-License-Identifier: ISC
#
# What another project gets: headers, libraries, the tool with its scenarios, a CMake package
# (simblk::blkfront, simblk::blkfront_observed, simblk::simback, simblk::simblk_shim,
# simblk::blkfront_libxen and simblk::simback_live where Xen's libraries were found) and pkg-config
# files.

include(CMakePackageConfigHelpers)

# Two components: the libraries, which are built and installed alone by the target of that name, and
# the tool with its scenarios and manual pages.
set(CMAKE_INSTALL_DEFAULT_COMPONENT_NAME libraries)

set(simblk_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/simblk)

install(TARGETS blkfront_headers blkfront blkfront_observed simback simblk_shim
    EXPORT simblk-targets)
if(TARGET blkfront_libxen)
    install(TARGETS blkfront_libxen simback_live EXPORT simblk-targets)
endif()
add_custom_target(libraries)
foreach(library IN ITEMS
        blkfront blkfront_observed simback simblk_shim blkfront_libxen simback_live)
    if(TARGET ${library})
        add_dependencies(libraries ${library})
        # Before 1.0 a new minor version may change an interface.
        set_target_properties(${library} PROPERTIES
            VERSION ${PROJECT_VERSION}
            SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
    endif()
endforeach()
install(DIRECTORY frontend/include/ simback/include/
    DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
    FILES_MATCHING PATTERN "*.h")
# What a frontend for `simblk run --frontend` is built with.
install(FILES scenarios/include/scenario/subject.h scenarios/include/scenario/shim.h
    DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/scenario)
if(TARGET simblk)
    install(TARGETS simblk simblk-bench-plain simblk-soak COMPONENT tool)
    install(DIRECTORY scenarios/conformance scenarios/regression
        DESTINATION ${CMAKE_INSTALL_DATADIR}/simblk/scenarios
        COMPONENT tool
        FILES_MATCHING PATTERN "*.scn")
    install(FILES scenarios/wireshark/simblk.lua
        DESTINATION ${CMAKE_INSTALL_DATADIR}/simblk/wireshark
        COMPONENT tool)
    install(FILES ${PROJECT_BINARY_DIR}/scenarios/simblk.bash RENAME simblk
        DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions
        COMPONENT tool)
    install(FILES ${PROJECT_BINARY_DIR}/scenarios/simblk.vim
        DESTINATION ${CMAKE_INSTALL_DATADIR}/vim/vimfiles/syntax
        COMPONENT tool)
    install(FILES docs/editors/ftdetect.vim RENAME simblk.vim
        DESTINATION ${CMAKE_INSTALL_DATADIR}/vim/vimfiles/ftdetect
        COMPONENT tool)
endif()

if(TARGET nbdkit-simblk-plugin)
    install(TARGETS nbdkit-simblk-plugin COMPONENT tool
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/nbdkit/plugins)
endif()

install(EXPORT simblk-targets NAMESPACE simblk:: DESTINATION ${simblk_package_dir})
configure_package_config_file(
    frontend/cmake/simblk-config.cmake.in ${CMAKE_CURRENT_BINARY_DIR}/simblk-config.cmake
    INSTALL_DESTINATION ${simblk_package_dir}
    NO_SET_AND_CHECK_MACRO)
# Before 1.0 a new minor version may change an interface.
write_basic_package_version_file(
    ${CMAKE_CURRENT_BINARY_DIR}/simblk-config-version.cmake
    COMPATIBILITY SameMinorVersion)
install(FILES
    ${CMAKE_CURRENT_BINARY_DIR}/simblk-config.cmake
    ${CMAKE_CURRENT_BINARY_DIR}/simblk-config-version.cmake
    DESTINATION ${simblk_package_dir})

# pkg-config files find their prefix from where they lie, so an installed tree can be moved.
set(pc_dir ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
if(IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}")
    set(pc_prefix "${CMAKE_INSTALL_PREFIX}")
    set(pc_libdir "${CMAKE_INSTALL_LIBDIR}")
else()
    file(RELATIVE_PATH pc_up /${pc_dir} /)
    string(REGEX REPLACE "/$" "" pc_up "${pc_up}")
    set(pc_prefix "\${pcfiledir}/${pc_up}")
    set(pc_libdir "\${prefix}/${CMAKE_INSTALL_LIBDIR}")
endif()
if(IS_ABSOLUTE "${CMAKE_INSTALL_INCLUDEDIR}")
    set(pc_includedir "${CMAKE_INSTALL_INCLUDEDIR}")
else()
    set(pc_includedir "\${prefix}/${CMAKE_INSTALL_INCLUDEDIR}")
endif()
foreach(pc IN ITEMS
        frontend/cmake/blkfront.pc simback/cmake/simback.pc scenarios/cmake/simblk-shim.pc)
    cmake_path(GET pc FILENAME pc_name)
    configure_file(${pc}.in ${CMAKE_CURRENT_BINARY_DIR}/${pc_name} @ONLY)
    install(FILES ${CMAKE_CURRENT_BINARY_DIR}/${pc_name} DESTINATION ${pc_dir})
endforeach()

install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})

# An instrumented library needs flags that a consumer does not have: nothing to test there.
get_target_property(simblk_frontend_type blkfront TYPE)
get_target_property(simblk_backend_type simback TYPE)
if(NOT "INTERFACE_LIBRARY" IN_LIST simblk_frontend_type
    AND NOT "INTERFACE_LIBRARY" IN_LIST simblk_backend_type
    AND NOT SIMBLK_SANITIZE AND NOT SIMBLK_COVERAGE AND NOT SIMBLK_FUZZ)
    simblk_add_test(NAME install_consumer LABEL install TIMEOUT 300
        COMMAND sh ${PROJECT_SOURCE_DIR}/frontend/test/install/run.sh
        ${PROJECT_BINARY_DIR} ${PROJECT_BINARY_DIR}/install-test ${CMAKE_C_COMPILER})
    simblk_add_test(NAME install_shared LABEL install TIMEOUT 600
        COMMAND sh ${PROJECT_SOURCE_DIR}/frontend/test/install/shared.sh
        ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR}/install-shared ${CMAKE_C_COMPILER})
    find_program(SIMBLK_DPKG dpkg DOC "Installs the Debian package in its test")
    mark_as_advanced(SIMBLK_DPKG)
    if(SIMBLK_DPKG)
        simblk_add_test(NAME install_debian LABEL install TIMEOUT 300
            COMMAND sh ${PROJECT_SOURCE_DIR}/frontend/test/install/debian.sh
            ${PROJECT_BINARY_DIR} ${PROJECT_BINARY_DIR}/install-debian ${CMAKE_C_COMPILER})
    endif()
endif()

# The Debian package, by `cpack` in the build folder: all of it in one.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME simblk)
set(CPACK_PACKAGE_VENDOR "The simblk authors")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_DESCRIPTION}")
set(CPACK_PACKAGE_DESCRIPTION
    "A real block frontend runs in one process against a simulated Xen and a simulated backend that
works, errs, hangs, crashes or attacks; every step is judged by the rules of the protocol. With the
tool, its scenarios and manual pages, and the libraries for building on them.")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_RESOURCE_FILE_LICENSE ${PROJECT_SOURCE_DIR}/LICENSE)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_MAINTAINER "The simblk authors <simblk@localhost>")
set(CPACK_DEBIAN_PACKAGE_SECTION devel)
set(CPACK_PRE_BUILD_SCRIPTS ${CMAKE_CURRENT_LIST_DIR}/simblk_shlibdeps.cmake)
include(CPack)
