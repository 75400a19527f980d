#include "common/revision/directory.hpp"

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "common/error.hpp"

namespace tapline::revision {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const fs::path& path, const std::string& reason) {
    throw Error(
        ErrorKind::usage,
        "revision_directory",
        fmt::format("revision files can't be read from {}: {}", path.string(), reason),
        "check the path and its permissions; the directory holds <id>_<words>.sql files"
    );
}

std::vector<fs::path> list(const fs::path& directory) {
    std::vector<fs::path> paths;
    std::error_code error;
    fs::directory_iterator entries(directory, error);
    while (!error && entries != fs::directory_iterator()) {
        const fs::path& path = entries->path();
        const bool hidden = path.filename().string().starts_with('.');
        if (!hidden && path.extension() == ".sql" && entries->is_regular_file(error)) {
            paths.push_back(path);
        }
        if (paths.size() > max_files) {
            fail(directory, fmt::format("more than {} files", max_files));
        }
        if (!error) {
            entries.increment(error);
        }
    }
    if (error) {
        fail(directory, error.message());
    }
    std::sort(paths.begin(), paths.end());
    return paths;
}

std::string read(const fs::path& path) {
    std::error_code error;
    const auto size = fs::file_size(path, error);
    if (error) {
        fail(path, error.message());
    }
    if (size > max_file_bytes) {
        fail(path, fmt::format("{} bytes, at most {} are read", size, max_file_bytes));
    }
    std::string bytes(static_cast<std::size_t>(size), '\0');
    std::ifstream stream(path, std::ios::binary);
    stream.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    if (!stream) {
        fail(path, std::generic_category().message(errno));
    }
    return bytes;
}

}  // namespace

std::vector<SourceFile> read_directory(const std::filesystem::path& directory) {
    std::vector<SourceFile> files;
    for (const fs::path& path : list(directory)) {
        files.push_back({path.filename().string(), read(path)});
    }
    return files;
}

std::vector<SourceFile> from_embedded(std::span<const EmbeddedFile> files) {
    std::vector<SourceFile> result;
    for (const EmbeddedFile& file : files) {
        result.push_back({std::string(file.name), std::string(file.body)});
    }
    return result;
}

Lineage load(const std::vector<SourceFile>& files, Dialect dialect, const IdSet& elsewhere) {
    std::vector<Revision> revisions;
    revisions.reserve(files.size());
    for (const SourceFile& file : files) {
        revisions.push_back(parse(file, dialect));
    }
    return Lineage(std::move(revisions), elsewhere);
}

}  // namespace tapline::revision
