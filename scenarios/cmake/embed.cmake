# SPDX-License-Identifier: ISC
#
# Files as C: of each the bytes and their number.
#
#     cmake -DOUT=page_files.c -DHEADER=page.h -DFILES=one.css;two.js -P embed.cmake

set(text "/* Made by embed.cmake. */\n#include \"${HEADER}\"\n")
foreach(file IN LISTS FILES)
    cmake_path(GET file FILENAME name)
    string(MAKE_C_IDENTIFIER ${name} name)
    file(READ ${file} bytes HEX)
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
    string(APPEND text
        "const unsigned char ${name}[] = {${bytes}};\n"
        "const size_t ${name}_size = sizeof(${name});\n")
endforeach()
file(WRITE ${OUT} "${text}")
