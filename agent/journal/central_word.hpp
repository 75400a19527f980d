// What central last said of itself, beside the journal in `<realpath>.tapline.central`: the verbs
// of a technician without a network go by it.
#pragma once

#include <filesystem>
#include <string>

namespace tapline::journal {

struct CentralWord {
    std::string revision;  ///< of central's lineage `tapline`; empty: it never said
    std::string minimum;   ///< journal revision below which it settles nothing; empty: none
    bool operator==(const CentralWord&) const = default;
};

/// Empty when there is no such file, or none that can be read.
[[nodiscard]] CentralWord read_central_word(const std::filesystem::path& real_journal);

/// Writes only what is new. A disk that can't take it is logged and costs nothing but the memory.
void remember_central(const std::filesystem::path& real_journal, const CentralWord& word);

}  // namespace tapline::journal
