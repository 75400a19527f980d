// What is other than expected in a file, in the words of the findings of `check --json`.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/error.hpp"

namespace tapline::journal {

struct Difference {
    std::string object;  ///< "table pours column x", "trigger t on pours", "file a.db-wal"
    std::string kind;    ///< "added", "removed" or "changed"
    std::optional<std::string> expected;
    std::optional<std::string> found;
    bool operator==(const Difference&) const = default;
};

/// A file that we leave alone, with the reasons. Codes: unknown_shape, damaged, not_a_database,
/// foreign_wal.
class FileError : public Error {
  public:
    FileError(
        std::string code,
        const std::string& what,
        std::string hint,
        std::vector<Difference> differences
    )
        : Error(ErrorKind::storage_corrupt, std::move(code), what, std::move(hint)),
          differences_(std::move(differences)) {}

    [[nodiscard]] const std::vector<Difference>& differences() const noexcept {
        return differences_;
    }

  private:
    std::vector<Difference> differences_;
};

}  // namespace tapline::journal
