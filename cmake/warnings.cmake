# -Werror is set by the presets, not here: a packager's newer compiler must not fail on a new warning.
add_library(tapline_warnings INTERFACE)
target_compile_options(tapline_warnings INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast
    -Wnon-virtual-dtor -Woverloaded-virtual -Wduplicated-cond -Wlogical-op -Wformat=2
    -Wextra-semi -Wsuggest-override -Wimplicit-fallthrough
    # GCC 12 at -O2 takes a coroutine frame's own operator new and delete for a mismatch.
    -Wno-mismatched-new-delete)
