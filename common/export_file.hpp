// Pours in a file, for a device without a network (docs/diagnostics.md). Text, a line each: what
// journal this is and where it begins; batches exactly as on the wire; how many they were and the
// SHA-256 of every byte before that last line. The end stands last, so that a file can be written
// in one pass and a cut one is seen. The digest is against damage, not against forgers: whoever can
// write the file can compute it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/pour.hpp"
#include "common/row_hash.hpp"

namespace tapline::wire {

inline constexpr int export_version = 1;
/// Of a line. A batch is at most a request's body; the limit is the same (wire.hpp).
inline constexpr std::size_t max_export_line_bytes = std::size_t{1024} * 1024;
/// Of a file: a million pours are some 2,000.
inline constexpr std::int64_t max_export_batches = 1'000'000;

struct ExportHeader {
    std::string journal_id;
    std::int64_t epoch = 1;
    std::string revision;  ///< of the journal when it was written; each batch has its own
    Seq first_seq = 0;     ///< of the first batch
    RowHash prev_hash{};   ///< the chain before it
    Seq acked_through = 0;
    std::string fingerprint;
    std::string agent_version;
    std::string made_at;  ///< by the device's clock
};

struct ExportEnd {
    std::int64_t batches = 0;
    std::int64_t rows = 0;
    Seq last_seq = 0;
    RowHash hash{};    ///< the chain at last_seq
    RowHash sha256{};  ///< of every byte before this line
};

/// One line without its end.
[[nodiscard]] std::string encode(const ExportHeader& header);
[[nodiscard]] std::string encode(const ExportEnd& end);

/// Throw Error{protocol, "malformed"}; of another version Error{data, "export_version"}.
[[nodiscard]] ExportHeader decode_export_header(std::string_view line);
[[nodiscard]] ExportEnd decode_export_end(std::string_view line);

/// The end can be told from a batch.
[[nodiscard]] bool is_export_end(std::string_view line) noexcept;

}  // namespace tapline::wire
