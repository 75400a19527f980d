#include "central/cli/revision_file.hpp"

#include <array>
#include <cerrno>
#include <fstream>
#include <iostream>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <fmt/format.h>

#include "common/error.hpp"

namespace tapline::cli {

namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail_write(const fs::path& path, int error) {
    const bool full = error == ENOSPC || error == EDQUOT;
    throw Error(
        full ? ErrorKind::storage_full : ErrorKind::storage,
        "file_write",
        fmt::format(
            "{} can't be written: {}", path.string(), std::generic_category().message(error)
        ),
        "check the directory, its permissions and the space left; nothing was left behind"
    );
}

/// Removes the temporary file unless it was renamed.
class Temporary {
  public:
    explicit Temporary(fs::path path) : path_(std::move(path)) {
        handle_ = open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        if (handle_ < 0) {
            fail_write(path_, errno);
        }
    }

    Temporary(const Temporary&) = delete;
    Temporary& operator=(const Temporary&) = delete;

    ~Temporary() {
        if (handle_ >= 0) {
            close(handle_);
        }
        unlink(path_.c_str());
    }

    void write(std::string_view bytes) {
        while (!bytes.empty()) {
            const ssize_t written = ::write(handle_, bytes.data(), bytes.size());
            if (written < 0 && errno == EINTR) {
                continue;
            }
            if (written < 0) {
                fail_write(path_, errno);
            }
            bytes.remove_prefix(static_cast<std::size_t>(written));
        }
        if (fsync(handle_) != 0 || close(std::exchange(handle_, -1)) != 0) {
            fail_write(path_, errno);
        }
    }

  private:
    fs::path path_;
    int handle_ = -1;
};

/// False: target exists. File systems without RENAME_NOREPLACE take a hard link, which doesn't
/// replace either.
bool rename_new(const fs::path& from, const fs::path& to) {
    if (renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) {
        return true;
    }
    if (errno == EINVAL && link(from.c_str(), to.c_str()) == 0) {
        return true;
    }
    if (errno == EEXIST) {
        return false;
    }
    fail_write(to, errno);
}

void sync_directory(const fs::path& directory) {
    const int handle = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (handle < 0 || fsync(handle) != 0) {
        const int error = errno;
        if (handle >= 0) {
            close(handle);
        }
        fail_write(directory, error);
    }
    close(handle);
}

}  // namespace

void write_new_file(const fs::path& directory, const std::string& name, std::string_view bytes) {
    const fs::path path = directory / name;
    const fs::path hidden = directory / fmt::format(".{}.{}.tmp", name, getpid());
    Temporary temporary(hidden);
    temporary.write(bytes);
    if (!rename_new(hidden, path)) {
        throw Error(
            ErrorKind::usage,
            "file_exists",
            fmt::format("{} is there already and stays as it is", path.string()),
            "choose another id or message, or remove that file first"
        );
    }
    sync_directory(directory);
}

std::string read_file(const std::string& path, std::size_t max_bytes) {
    std::ifstream file;
    if (path != "-") {
        file.open(path, std::ios::binary);
    }
    std::istream& in = path == "-" ? std::cin : file;
    std::string bytes;
    std::array<char, 65'536> piece{};
    while (in && bytes.size() <= max_bytes) {
        in.read(piece.data(), piece.size());
        bytes.append(piece.data(), static_cast<std::size_t>(in.gcount()));
    }
    if (!in.eof() || bytes.size() > max_bytes) {
        throw Error(
            ErrorKind::usage,
            "file_read",
            fmt::format(
                "{} can't be read, or has more than {} bytes",
                path == "-" ? "stdin" : path,
                max_bytes
            ),
            "check the path and its permissions"
        );
    }
    return bytes;
}

}  // namespace tapline::cli
