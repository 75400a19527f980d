#include "agent/cli/whole_file.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <string_view>
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

bool is_packed(const fs::path& path) {
    return path.extension() == ".gz" || path.extension() == ".tgz";
}

/// zlib writes plain bytes too ("T"), so there is one way out.
class Output {
  public:
    Output(int descriptor, const fs::path& path) : path_(path) {
        const int own = ::dup(descriptor);
        file_ = own < 0 ? nullptr : ::gzdopen(own, is_packed(path) ? "wb6" : "wbT");
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

bool has_companions_name(const std::string& name) {
    constexpr std::array<std::string_view, 3> endings{"-wal", "-shm", "-journal"};
    return name.find(".tapline") != std::string::npos ||
           std::any_of(endings.begin(), endings.end(), [&name](auto ending) {
               return name.ends_with(ending);
           });
}

/// An earlier export, bundle, or what mktemp(1) made.
bool may_be_replaced(const fs::path& path) {
    std::array<char, 512> bytes{};
    std::ifstream file(path, std::ios::binary);
    file.read(bytes.data(), bytes.size());
    const std::string_view begin(bytes.data(), static_cast<std::size_t>(file.gcount()));
    constexpr std::size_t tar_magic_at = 257;  // ustar, POSIX.1 pax
    return begin.empty() || begin.starts_with("\x1f\x8b") ||
           begin.starts_with(R"({"tapline_export":)") ||
           (begin.size() > tar_magic_at && begin.substr(tar_magic_at).starts_with("ustar"));
}

/// A rename puts a file in the place of anything: of /dev/null for the whole machine, of the
/// journal itself.
void check_place(const fs::path& path) {
    std::error_code unknown;
    const auto found = fs::symlink_status(path, unknown).type();
    const bool nothing = found == fs::file_type::not_found || found == fs::file_type::none;
    if (!nothing && found != fs::file_type::regular) {
        throw Error(
            ErrorKind::usage,
            "not_a_file",
            fmt::format("{} is no ordinary file; nothing was written", path.string()),
            "Name a file that is to be made or replaced, or - for the standard output."
        );
    }
    const auto name = path.filename().string();
    if (name.empty() || has_companions_name(name) || (!nothing && !may_be_replaced(path))) {
        throw Error(
            ErrorKind::usage,
            "not_replaced",
            fmt::format(
                "'{}' is the name of something else than an export or a bundle; nothing was "
                "written",
                path.string()
            ),
            "Name another file."
        );
    }
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
    check_place(path);
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
