# SPDX-License-Identifier: ISC
#
# What the Debian package depends on, asked of dpkg-shlibdeps once the files are staged: cpack
# includes this before it makes the package. Its own CPACK_DEBIAN_PACKAGE_SHLIBDEPS starts cmake and
# file for each of the package's files, of which hundreds are scenarios: that takes minutes.

if(NOT CPACK_GENERATOR STREQUAL "DEB")
    return()
endif()

set(binaries "")
file(GLOB_RECURSE staged LIST_DIRECTORIES false "${CPACK_TEMPORARY_INSTALL_DIRECTORY}/*")
foreach(path IN LISTS staged)
    file(READ "${path}" magic LIMIT 4 HEX)
    if(magic STREQUAL "7f454c46" AND NOT IS_SYMLINK "${path}")
        list(APPEND binaries "${path}")
    endif()
endforeach()

# dpkg-shlibdeps wants to stand in a source package.
set(source ${CPACK_TOPLEVEL_DIRECTORY}/shlibdeps)
file(MAKE_DIRECTORY ${source}/debian)
file(WRITE ${source}/debian/control "Source: simblk\n\nPackage: simblk\nArchitecture: any\n")
execute_process(COMMAND ${CMAKE_COMMAND} -E env LC_ALL=C
    dpkg-shlibdeps -O --ignore-missing-info ${binaries}
    WORKING_DIRECTORY ${source}
    OUTPUT_VARIABLE depends ERROR_VARIABLE said RESULT_VARIABLE status
    OUTPUT_STRIP_TRAILING_WHITESPACE)
if(NOT status EQUAL 0 OR NOT depends MATCHES "^shlibs:Depends=(.+)$")
    message(FATAL_ERROR "dpkg-shlibdeps (of dpkg-dev) tells no dependencies: ${status} ${said}")
endif()
set(CPACK_DEBIAN_PACKAGE_DEPENDS "${CMAKE_MATCH_1}")
