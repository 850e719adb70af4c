# SPDX-License-Identifier: ISC
#
# Xen's own libraries, for what runs on a real Xen: looked for by pkg-config. Everything else is
# built and tested without them.
#     SIMBLK_WITH_XEN   AUTO: if they are there; ON: an error if they are not; OFF

set(SIMBLK_WITH_XEN AUTO CACHE STRING "Build what runs on a real Xen: AUTO, ON or OFF")
set_property(CACHE SIMBLK_WITH_XEN PROPERTY STRINGS AUTO ON OFF)

set(SIMBLK_HAVE_XEN OFF)
set(simblk_xen_modules xengnttab xenevtchn xenstore)
if(NOT CMAKE_SYSTEM_NAME STREQUAL "Linux")
    set(simblk_xen_missing "no Linux")
elseif(SIMBLK_WITH_XEN)
    find_package(PkgConfig QUIET)
    if(PkgConfig_FOUND)
        pkg_check_modules(simblk_xen QUIET ${simblk_xen_modules})
        set(SIMBLK_HAVE_XEN ${simblk_xen_FOUND})
    endif()
    set(simblk_xen_missing "libxen-dev or pkg-config not found")
else()
    set(simblk_xen_missing "SIMBLK_WITH_XEN=OFF")
endif()
if(SIMBLK_WITH_XEN AND NOT SIMBLK_WITH_XEN STREQUAL "AUTO" AND NOT SIMBLK_HAVE_XEN)
    message(FATAL_ERROR "SIMBLK_WITH_XEN=ON, but ${simblk_xen_missing}: pkg-config knows not all "
        "of ${simblk_xen_modules} (Debian: pkg-config libxen-dev)")
endif()

# simblk_use_xen(TARGET [LINK])      compiles against them, and links them
function(simblk_use_xen target)
    target_include_directories(${target} SYSTEM PRIVATE ${simblk_xen_INCLUDE_DIRS})
    if("LINK" IN_LIST ARGN)
        # By their names: so an installed library asks for no target of ours.
        target_link_directories(${target} PUBLIC ${simblk_xen_LIBRARY_DIRS})
        target_link_libraries(${target} PUBLIC ${simblk_xen_LIBRARIES})
    endif()
endfunction()
