# tapline_library(<name> SOURCES ... LINK ...): one static library per folder, so that the linker
# agrees with the include rule of ARCHITECTURE.md.
function(tapline_library name)
    cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
    add_library(${name} STATIC ${ARG_SOURCES})
    target_include_directories(${name} PUBLIC ${CMAKE_SOURCE_DIR})
    target_link_libraries(${name} PUBLIC ${ARG_LINK} PRIVATE tapline_warnings)
endfunction()

# tapline_program(<name> SOURCES ... LINK ...): an executable in build/bin.
function(tapline_program name)
    cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
    add_executable(${name} ${ARG_SOURCES})
    target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR})
    target_link_libraries(${name} PRIVATE ${ARG_LINK} tapline_warnings)
endfunction()
