# tapline_embed_sql(<target> <namespace::function> <directory> [<ending>])
# Compiles the sorted *.sql files (or those with another ending) of a directory into <target>, byte
# for byte, as
#   std::span<const tapline::revision::EmbeddedFile> <namespace>::<function>();
# CMake reads the files itself: the agent's build needs no script language.
function(tapline_embed_sql target symbol directory)
    set(ending sql)
    if(ARGC GREATER 3)
        set(ending ${ARGV3})
    endif()
    file(GLOB sql_files CONFIGURE_DEPENDS ${directory}/*.${ending})
    list(SORT sql_files)
    set(entries "")
    foreach(sql_file IN LISTS sql_files)
        set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${sql_file})
        file(READ ${sql_file} body)
        get_filename_component(name ${sql_file} NAME)
        string(APPEND entries "    {\"${name}\", R\"__sql__(${body})__sql__\"},\n")
    endforeach()
    string(REGEX REPLACE "::[^:]+$" "" symbol_namespace ${symbol})
    string(REGEX REPLACE "^.*::" "" symbol_function ${symbol})
    set(generated ${CMAKE_CURRENT_BINARY_DIR}/${target}_${symbol_function}.cpp)
    file(CONFIGURE OUTPUT ${generated} @ONLY CONTENT [[
#include "common/revision/embedded.hpp"

#include <vector>

namespace @symbol_namespace@ {

std::span<const tapline::revision::EmbeddedFile> @symbol_function@() {
    static const std::vector<tapline::revision::EmbeddedFile> files{
@entries@    };
    return files;
}

}  // namespace @symbol_namespace@
]])
    target_sources(${target} PRIVATE ${generated})
endfunction()
