// The one exception type of tapline. It says what happened, to what, and what to do next.
#pragma once

#include <stdexcept>
#include <string>

namespace tapline {

/// What a caller may decide on. The exit code of a program follows from it (exit_code).
enum class ErrorKind {
    usage,            ///< the command line, a setting or a file of ours is wrong
    refused,          ///< a gate says no: wrong user, production, a missing revision
    unreachable,      ///< a server, socket or file system isn't there now; worth another try
    storage_full,     ///< no space left where we must write
    storage_busy,     ///< somebody else holds the lock for longer than we may wait
    storage_corrupt,  ///< the file contradicts itself; a person has to look
    storage,          ///< any other failure of the local disk or SQLite
    protocol,         ///< the other side broke the wire's rules
    pg,               ///< PostgreSQL refused a statement; sqlstate() tells why
    data,             ///< rows or files need attention
    bug,              ///< our own mistake
};

class Error : public std::runtime_error {
  public:
    /// code: stable and machine-readable, snake_case ("unknown_shape"). what: one sentence on what
    /// happened to what. hint: what the reader does next; a technician reads it at 2 a.m.
    Error(
        ErrorKind kind,
        std::string code,
        const std::string& what,
        std::string hint = {},
        std::string sqlstate = {}
    )
        : std::runtime_error(what),
          kind_(kind),
          code_(std::move(code)),
          hint_(std::move(hint)),
          sqlstate_(std::move(sqlstate)) {}

    [[nodiscard]] ErrorKind kind() const noexcept { return kind_; }

    [[nodiscard]] const std::string& code() const noexcept { return code_; }

    [[nodiscard]] const std::string& hint() const noexcept { return hint_; }

    /// Five characters for ErrorKind::pg (PostgreSQL, Appendix A), else empty.
    [[nodiscard]] const std::string& sqlstate() const noexcept { return sqlstate_; }

  private:
    ErrorKind kind_;
    std::string code_;
    std::string hint_;
    std::string sqlstate_;
};

/// 1 negative finding, 2 usage, 3 refused by a gate, 4 unreachable, 5 data needs attention.
[[nodiscard]] int exit_code(ErrorKind kind) noexcept;

/// "tapline-agent: <what>\n  <hint>\n"; the shape of every error that a person sees.
[[nodiscard]] std::string render_error(const std::string& program, const Error& error);

}  // namespace tapline

/// For our own mistakes only, never for outside input: active in release, prints and aborts, and
/// systemd starts the program again.
#define TAPLINE_CHECK(condition)                                     \
    do {                                                             \
        if (!(condition)) [[unlikely]] {                             \
            ::tapline::check_failed(#condition, __FILE__, __LINE__); \
        }                                                            \
    } while (false)

namespace tapline {
[[noreturn]] void check_failed(const char* condition, const char* file, int line) noexcept;
}
