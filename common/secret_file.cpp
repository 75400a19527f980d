#include "common/secret_file.hpp"

#include <array>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "common/error.hpp"

namespace tapline {

namespace {

constexpr std::size_t max_bytes = std::size_t{1024} * 1024;

[[noreturn]] void fail(const char* code, const char* did, const std::filesystem::path& path) {
    const int why = errno;
    throw Error(
        why == ENOSPC || why == EDQUOT ? ErrorKind::storage_full : ErrorKind::storage,
        code,
        fmt::format("can't {} {}: {}", did, path.string(), std::strerror(why)),
        "check that the directory is there, has room, and belongs to the user who runs this"
    );
}

class Descriptor {
  public:
    explicit Descriptor(int value) : value_(value) {}

    ~Descriptor() {
        if (value_ >= 0) {
            ::close(value_);
        }
    }

    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;

    [[nodiscard]] int get() const noexcept { return value_; }

  private:
    int value_;
};

void sync_directory(const std::filesystem::path& file) {
    const auto parent = file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
    const Descriptor directory(::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (directory.get() < 0 || ::fsync(directory.get()) != 0) {
        fail("write_file", "sync the directory of", file);
    }
}

/// Whole and on the disk, under a name of its own; the caller names or removes it.
std::filesystem::path write_beside(const std::filesystem::path& path, const std::string& text) {
    const std::filesystem::path temporary = path.string() + ".new";
    // What a power cut left of an earlier try.
    if (::unlink(temporary.c_str()) != 0 && errno != ENOENT) {
        fail("write_file", "remove", temporary);
    }
    const Descriptor file(
        ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600)
    );
    if (file.get() < 0) {
        fail("write_file", "write", temporary);
    }
    std::size_t done = 0;
    while (done < text.size()) {
        const auto bytes = ::write(file.get(), text.data() + done, text.size() - done);
        if (bytes < 0 && errno == EINTR) {
            continue;
        }
        if (bytes <= 0) {
            fail("write_file", "write", temporary);
        }
        done += static_cast<std::size_t>(bytes);
    }
    if (::fsync(file.get()) != 0) {
        fail("write_file", "sync", temporary);
    }
    return temporary;
}

}  // namespace

void write_secret_file(const std::filesystem::path& path, const std::string& text) {
    const auto temporary = write_beside(path, text);
    if (::rename(temporary.c_str(), path.c_str()) != 0) {
        fail("write_file", "put in place", path);
    }
    sync_directory(path);
}

bool create_secret_file(const std::filesystem::path& path, const std::string& text) {
    const auto temporary = write_beside(path, text);
    // link() refuses a name that is taken, which rename() doesn't.
    const bool made = ::link(temporary.c_str(), path.c_str()) == 0;
    if (!made && errno != EEXIST) {
        fail("write_file", "put in place", path);
    }
    if (::unlink(temporary.c_str()) != 0) {
        fail("write_file", "remove", temporary);
    }
    sync_directory(path);
    return made;
}

void replace_file(const std::filesystem::path& path, const std::string& text) {
    struct stat old {};

    const bool there = ::stat(path.c_str(), &old) == 0;
    const auto temporary = write_beside(path, text);
    if (there && ::chown(temporary.c_str(), old.st_uid, old.st_gid) != 0) {
        fail("write_file", "give to its owner", temporary);
    }
    if (::chmod(temporary.c_str(), there ? old.st_mode & 07777U : 0644U) != 0) {
        fail("write_file", "set the mode of", temporary);
    }
    if (::rename(temporary.c_str(), path.c_str()) != 0) {
        fail("write_file", "put in place", path);
    }
    sync_directory(path);
}

std::optional<std::string> read_small_file(const std::filesystem::path& path) {
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (file.get() < 0) {
        if (errno == ENOENT) {
            return std::nullopt;
        }
        fail("read_file", "read", path);
    }
    std::string text;
    std::array<char, 4096> chunk{};
    while (true) {
        const auto bytes = ::read(file.get(), chunk.data(), chunk.size());
        if (bytes < 0 && errno == EINTR) {
            continue;
        }
        if (bytes < 0) {
            fail("read_file", "read", path);
        }
        if (bytes == 0) {
            return text;
        }
        text.append(chunk.data(), static_cast<std::size_t>(bytes));
        if (text.size() > max_bytes) {
            errno = EFBIG;
            fail("read_file", "read", path);
        }
    }
}

void make_secret_directory(const std::filesystem::path& path) {
    if (path.has_parent_path()) {
        std::error_code failure;
        std::filesystem::create_directories(path.parent_path(), failure);
    }
    if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
        fail("write_file", "make the directory", path);
    }
}

void forbid_core_dumps() noexcept {
    const rlimit none{0, 0};
    static_cast<void>(::setrlimit(RLIMIT_CORE, &none));  // lowering is always allowed
}

}  // namespace tapline
