#include "agent/cli/whole_file.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/error.hpp"
#include "common/test_hook.hpp"

namespace tapline::cli {

namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::size_t max_words_bytes = std::size_t{64} * 1024;
constexpr unsigned max_piece_bytes = 1U << 30U;

[[noreturn]] void fail(const char* did, const fs::path& path, int why) {
    const bool full = why == ENOSPC || why == EDQUOT || why == EFBIG;
    throw Error(
        full ? ErrorKind::storage_full : ErrorKind::storage,
        full ? "disk_full" : "write_file",
        fmt::format("can't {} {}: {}", did, path.string(), std::strerror(why)),
        "nothing was left behind; give -o a place that has room and that you may write to"
    );
}

class Descriptor {
  public:
    explicit Descriptor(int value) : value_(value) {}

    ~Descriptor() { close(); }

    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;

    [[nodiscard]] int get() const noexcept { return value_; }

    void close() noexcept {
        if (value_ >= 0) {
            ::close(std::exchange(value_, -1));
        }
    }

  private:
    int value_;
};

/// zlib writes plain bytes too ("T"), so there is one way out.
class Output {
  public:
    Output(int descriptor, const fs::path& path) : path_(path) {
        const int own = ::dup(descriptor);
        file_ = own < 0 ? nullptr : ::gzdopen(own, path.extension() == ".gz" ? "wb6" : "wbT");
        if (file_ == nullptr) {
            fail("write", path_, own < 0 ? errno : ENOMEM);
        }
    }

    ~Output() {
        if (file_ != nullptr) {
            ::gzclose(file_);
        }
    }

    Output(const Output&) = delete;
    Output& operator=(const Output&) = delete;

    void put(std::string_view bytes) {
        while (!bytes.empty()) {
            const auto piece =
                static_cast<unsigned>(std::min<std::size_t>(bytes.size(), max_piece_bytes));
            errno = 0;
            const int done = ::gzwrite(file_, bytes.data(), piece);
            if (done <= 0) {
                fail("write", path_, errno == 0 ? EIO : errno);
            }
            bytes.remove_prefix(static_cast<std::size_t>(done));
        }
    }

    void close() {
        errno = 0;
        if (::gzclose(std::exchange(file_, nullptr)) != Z_OK) {
            fail("write", path_, errno == 0 ? EIO : errno);
        }
    }

  private:
    fs::path path_;
    gzFile file_ = nullptr;
};

json error_json(const Error& error) {
    return {
        {"kind", static_cast<int>(error.kind())},
        {"code", error.code()},
        {"what", error.what()},
        {"hint", error.hint()}};
}

/// The child's whole life: fills, and says how it went.
json fill_in(int file, const fs::path& path, const std::function<std::string(const Put&)>& fill) {
    try {
        Output output(file, path);
        auto words = fill([&output](std::string_view bytes) { output.put(bytes); });
        output.close();
        return {{"words", std::move(words)}};
    } catch (const Error& error) {
        return {{"error", error_json(error)}};
    }
}

void write_all(int descriptor, std::string_view text) {
    while (!text.empty()) {
        const auto done = ::write(descriptor, text.data(), text.size());
        if (done < 0 && errno != EINTR) {
            return;  // the reader is gone; it takes that for a death
        }
        text.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(done, 0)));
    }
}

std::string read_all(int descriptor) {
    std::string text;
    std::array<char, 4096> piece{};
    while (text.size() <= max_words_bytes) {
        const auto got = ::read(descriptor, piece.data(), piece.size());
        if (got == 0 || (got < 0 && errno != EINTR)) {
            break;
        }
        text.append(piece.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    }
    return text;
}

std::string in_a_child(
    int file, const fs::path& path, const std::function<std::string(const Put&)>& fill
) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
        fail("start a process for", path, errno);
    }
    Descriptor reader(ends[0]);
    Descriptor writer(ends[1]);
    const pid_t child = ::fork();
    if (child < 0) {
        fail("start a process for", path, errno);
    }
    if (child == 0) {
        reader.close();
        const auto said = fill_in(file, path, fill);
        write_all(writer.get(), said.dump(-1, ' ', false, json::error_handler_t::replace));
        ::_exit(0);
    }
    writer.close();
    const auto text = read_all(reader.get());
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    const auto said = json::parse(text, nullptr, false);
    if (!said.is_object()) {
        throw Error(
            ErrorKind::bug,
            "child_died",
            fmt::format("the process that wrote {} died (status {})", path.string(), status),
            "nothing was left behind; see dmesg, and try again"
        );
    }
    if (const auto error = said.find("error"); error != said.end()) {
        throw Error(
            static_cast<ErrorKind>(error->at("kind").get<int>()),
            error->at("code"),
            error->at("what").get<std::string>(),
            error->at("hint")
        );
    }
    return said.at("words");
}

void sync_directory_of(const fs::path& path) {
    const auto parent = path.has_parent_path() ? path.parent_path() : fs::path(".");
    const Descriptor directory(::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (directory.get() < 0 || ::fsync(directory.get()) != 0) {
        fail("sync the directory of", path, errno);
    }
}

/// A device would become a file: /dev/null for the whole machine.
void refuse_other_than_a_file(const fs::path& path) {
    std::error_code unknown;
    const auto found = fs::symlink_status(path, unknown).type();
    if (found == fs::file_type::regular || found == fs::file_type::not_found ||
        found == fs::file_type::none) {
        return;
    }
    throw Error(
        ErrorKind::usage,
        "not_a_file",
        fmt::format("{} is no ordinary file; nothing was written", path.string()),
        "Name a file that is to be made or replaced, or - for the standard output."
    );
}

/// Removes what wasn't put in place.
class Beside {
  public:
    explicit Beside(const fs::path& path) : name_(path.string() + ".partial") {
        std::error_code missing;
        fs::remove(name_, missing);
    }

    ~Beside() {
        std::error_code missing;
        fs::remove(name_, missing);
    }

    Beside(const Beside&) = delete;
    Beside& operator=(const Beside&) = delete;

    [[nodiscard]] const fs::path& name() const noexcept { return name_; }

  private:
    fs::path name_;
};

}  // namespace

std::string write_whole_file(
    const std::filesystem::path& path, const std::function<std::string(const Put&)>& fill
) {
    if (path == "-") {
        return in_a_child(STDOUT_FILENO, path, fill);
    }
    refuse_other_than_a_file(path);
    const Beside beside(path);
    Descriptor file(
        ::open(beside.name().c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600)
    );
    if (file.get() < 0) {
        fail("write", beside.name(), errno);
    }
    auto words = in_a_child(file.get(), path, fill);
    const bool empty = ::lseek(file.get(), 0, SEEK_CUR) == 0;
    if (::fsync(file.get()) != 0) {
        fail("sync", beside.name(), errno);
    }
    file.close();
    test_stop_at("whole_file.rename");
    if (!empty) {
        if (::rename(beside.name().c_str(), path.c_str()) != 0) {
            fail("put in place", path, errno);
        }
        sync_directory_of(path);
    }
    return words;
}

}  // namespace tapline::cli
