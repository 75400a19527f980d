#include "common/error.hpp"

#include <cstdio>
#include <cstdlib>

namespace tapline {

int exit_code(ErrorKind kind) noexcept {
    switch (kind) {
        case ErrorKind::usage:
            return 2;
        case ErrorKind::refused:
            return 3;
        case ErrorKind::unreachable:
        case ErrorKind::storage_busy:
            return 4;
        case ErrorKind::storage_corrupt:
        case ErrorKind::storage_full:
        case ErrorKind::storage:
        case ErrorKind::data:
        case ErrorKind::protocol:
        case ErrorKind::pg:
        case ErrorKind::bug:
            return 5;
    }
    return 5;
}

std::string render_error(const std::string& program, const Error& error) {
    std::string text = program + ": " + error.what();
    if (!error.sqlstate().empty()) {
        text += " (SQLSTATE " + error.sqlstate() + ")";
    }
    text += '\n';
    if (!error.hint().empty()) {
        text += "  What to do: " + error.hint() + '\n';
    }
    return text;
}

void check_failed(const char* condition, const char* file, int line) noexcept {
    std::fprintf(
        stderr, "tapline: broken promise of our own: %s at %s:%d\n", condition, file, line
    );
    std::abort();
}

}  // namespace tapline
