#include "central/offline/export_reader.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>
#include <variant>

#include <zlib.h>

#include <fmt/format.h>

#include "central/settle/prepare.hpp"
#include "common/error.hpp"
#include "common/sha256.hpp"

namespace tapline::offline {

namespace {

constexpr const char* again =
    "nothing was settled; export again at the device, its journal still has every pour";
constexpr std::string_view begins = R"({"tapline_export":)";

Error bad_file(const char* code, const std::filesystem::path& file, const std::string& what) {
    return {ErrorKind::data, code, fmt::format("{}: {}", file.string(), what), again};
}

/// The digest first: what was damaged on its way shall not be taken for an agent's mistake.
wire::ExportEnd check_digest(const std::filesystem::path& file) {
    ExportReader reader(file);
    Sha256 digest;
    digest.add(reader.first_line());
    std::string line;
    for (std::int64_t lines = 0;; ++lines) {
        line = reader.line();
        if (line.empty() || line.back() != '\n' || lines > wire::max_export_batches) {
            throw bad_file("cut_file", file, "it has no end: it was cut, or is still being copied");
        }
        if (wire::is_export_end(line)) {
            break;
        }
        digest.add(line);
    }
    const auto end = wire::decode_export_end(line);
    if (digest.finish() != end.sha256) {
        throw bad_file("digest_mismatch", file, "its bytes aren't those that were written");
    }
    if (!reader.line().empty()) {
        throw bad_file("trailing_data", file, "something stands behind its end");
    }
    return end;
}

void check_next(
    const std::filesystem::path& file, const wire::Batch& batch, const wire::ExportEnd& so_far
) {
    const bool tied = batch.first_seq == so_far.last_seq + 1 && batch.prev_hash == so_far.hash;
    if (!tied) {
        throw bad_file(
            "contradiction",
            file,
            fmt::format("pours between {} and {} are missing", so_far.last_seq, batch.first_seq)
        );
    }
}

/// Opening a pipe would wait for its writer.
gzFile_s* open_plain(const std::filesystem::path& file) {
    std::error_code missing;
    if (std::filesystem::exists(file, missing) && !std::filesystem::is_regular_file(file)) {
        throw Error(
            ErrorKind::usage,
            "no_file",
            fmt::format("{} is no plain file", file.string()),
            "give the file that `tapline-agent journal export` wrote; it is read twice"
        );
    }
    return ::gzopen(file.c_str(), "rbe");
}

}  // namespace

ExportReader::ExportReader(const std::filesystem::path& file)
    : file_(file), packed_(open_plain(file)) {
    if (packed_ == nullptr) {
        throw Error(
            ErrorKind::usage,
            "no_file",
            fmt::format("{} can't be read: {}", file.string(), std::strerror(errno)),
            "give the file that `tapline-agent journal export` wrote"
        );
    }
    first_line_ = line();
    if (!first_line_.starts_with(begins)) {
        throw bad_file("not_an_export", file, "it isn't a file of `tapline-agent journal export`");
    }
    header_ = wire::decode_export_header(first_line_);
}

void ExportReader::Close::operator()(gzFile_s* file) const noexcept {
    ::gzclose(file);
}

std::string ExportReader::line() {
    std::string text;
    std::array<char, 65'536> piece{};
    while (text.empty() || text.back() != '\n') {
        const auto before = ::gztell(packed_.get());
        const char* got = ::gzgets(packed_.get(), piece.data(), static_cast<int>(piece.size()));
        if (got == nullptr) {
            int code = Z_OK;
            ::gzerror(packed_.get(), &code);
            if (code != Z_OK && code != Z_BUF_ERROR && code != Z_STREAM_END) {
                throw bad_file("damaged", file_, "it can't be unpacked any further");
            }
            return text;
        }
        // By their number: a byte of 0 is no end.
        text.append(got, static_cast<std::size_t>(::gztell(packed_.get()) - before));
        if (text.size() > wire::max_export_line_bytes) {
            throw bad_file("not_an_export", file_, "a line of it is too long");
        }
    }
    return text;
}

std::optional<wire::Batch> ExportReader::next() {
    const auto text = line();
    if (text.empty() || wire::is_export_end(text)) {
        return std::nullopt;
    }
    auto batch = wire::decode_batch(text);
    batch.journal_id = header_.journal_id;
    batch.epoch = header_.epoch;
    // The sample is of the moment of the export: against today's clock it would shift every pour of
    // a boot without synchronised time by the days that the file was on its way.
    batch.clock.boot_id.clear();
    return batch;
}

Verified verify_export(const std::filesystem::path& file) {
    const auto end = check_digest(file);
    ExportReader reader(file);
    wire::ExportEnd so_far;
    so_far.last_seq = reader.header().first_seq - 1;
    so_far.hash = reader.header().prev_hash;
    while (auto batch = reader.next()) {
        check_next(file, *batch, so_far);
        ++so_far.batches;
        so_far.rows += static_cast<std::int64_t>(batch->rows.size());
        so_far.last_seq = batch->last_seq;
        so_far.hash = batch->hash;
        // The times don't matter here, so neither does the moment.
        const auto prepared = settle::prepare("import", std::move(*batch), 0);
        if (const auto* problem = std::get_if<wire::Problem>(&prepared)) {
            throw bad_file("contradiction", file, problem->code + ": " + problem->detail);
        }
    }
    const bool same = so_far.batches == end.batches && so_far.rows == end.rows &&
                      so_far.last_seq == end.last_seq && so_far.hash == end.hash;
    if (!same) {
        throw bad_file("contradiction", file, "its end doesn't say what its batches hold");
    }
    return {reader.header(), end};
}

}  // namespace tapline::offline
