// A file of `tapline-agent journal export`, line by line (common/export_file.hpp). Packed or not.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "common/export_file.hpp"
#include "common/wire.hpp"

struct gzFile_s;  // zlib's

namespace tapline::offline {

/// One pass over the batches.
class ExportReader {
  public:
    /// Throws Error{usage, "no_file"}, Error{data, "not_an_export" | "export_version" | "damaged"},
    /// Error{protocol, "malformed"}.
    explicit ExportReader(const std::filesystem::path& file);

    [[nodiscard]] const wire::ExportHeader& header() const noexcept { return header_; }

    /// With journal_id and epoch of the header; nullopt: no more.
    [[nodiscard]] std::optional<wire::Batch> next();

    /// The next line with its end, at most max_export_line_bytes; empty at the end of the file.
    [[nodiscard]] std::string line();

    [[nodiscard]] const std::string& first_line() const noexcept { return first_line_; }

  private:
    struct Close {
        void operator()(gzFile_s* file) const noexcept;
    };

    std::filesystem::path file_;
    std::unique_ptr<gzFile_s, Close> packed_;
    std::string first_line_;
    wire::ExportHeader header_;
};

struct Verified {
    wire::ExportHeader header;
    wire::ExportEnd end;
};

/// Whole, with the digest that its end says, every batch sound and tied to the one before it.
/// Throws as ExportReader does, and Error{data, "cut_file" | "trailing_data" | "digest_mismatch" |
/// "contradiction"}.
[[nodiscard]] Verified verify_export(const std::filesystem::path& file);

}  // namespace tapline::offline
