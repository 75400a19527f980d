#include "central/pg/embedded_directory.hpp"

#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "common/error.hpp"
#include "common/row_hash.hpp"

namespace tapline::pg {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t max_socket_path = 107;  // sizeof(sockaddr_un::sun_path) - 1

std::string short_hash(const fs::path& directory) {
    return to_hex(sha256(directory.string())).substr(0, 8);
}

}  // namespace

void refuse_directory(const std::string& what, const std::string& hint) {
    throw Error(ErrorKind::refused, "embedded_directory", what, hint);
}

void make_private_directory(const fs::path& directory, const Account& account) {
    if (mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) {
        refuse_directory(
            fmt::format("can't make {}: {}", directory.string(), std::strerror(errno)),
            "give --embedded a directory that this user may write to"
        );
    }

    struct stat found {};

    const bool ours = lstat(directory.c_str(), &found) == 0 && S_ISDIR(found.st_mode) &&
                      (found.st_uid == account.uid || found.st_uid == geteuid());
    if (!ours || chown(directory.c_str(), account.uid, account.gid) != 0 ||
        chmod(directory.c_str(), 0700) != 0) {
        refuse_directory(
            fmt::format("{} belongs to somebody else", directory.string()),
            "move it away or give --embedded another directory"
        );
    }
}

void check_parents(const fs::path& directory, const Account& account) {
    fs::path prefix;
    for (const fs::path& part : directory) {
        prefix /= part;
        if (!can_enter(prefix, account)) {
            refuse_directory(
                fmt::format(
                    "the account `{}`, which runs PostgreSQL, can't enter {}",
                    account.switched ? account.name : "of this process",
                    prefix.string()
                ),
                fmt::format(
                    "use a directory that it can reach, such as /var/lib/tapline, or: chmod o+x {}",
                    prefix.string()
                )
            );
        }
    }
}

int port_for(const fs::path& directory) {
    const std::string hash = short_hash(directory);
    std::uint32_t number = 0;
    std::from_chars(hash.data(), hash.data() + hash.size(), number, 16);
    return 20'000 + static_cast<int>(number % 10'000);
}

fs::path socket_directory_for(const fs::path& directory, int port, const Account& account) {
    const std::size_t name_size = fmt::format("/.s.PGSQL.{}", port).size();
    fs::path socket = directory / "socket";
    if (socket.string().size() + name_size <= max_socket_path) {
        return socket;
    }
    const char* temporary = std::getenv("TMPDIR");
    fs::path base = temporary == nullptr ? "/tmp" : temporary;
    if (geteuid() == 0) {
        base = "/run";
    }
    const std::string name = fmt::format("tapline-{}-{}", account.uid, short_hash(directory));
    const bool fits = (base / name).string().size() + name_size <= max_socket_path;
    return (fits ? base : fs::path("/tmp")) / name;
}

void write_private_file(const fs::path& file, const std::string& text) {
    const fs::path fresh = file.string() + ".new";
    unlink(fresh.c_str());
    const int fd = open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    const bool written =
        fd >= 0 && write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
    if (fd >= 0) {
        close(fd);
    }
    if (!written || rename(fresh.c_str(), file.c_str()) != 0) {
        refuse_directory(
            fmt::format("can't write {}: {}", file.string(), std::strerror(errno)),
            "check the disk and the directory's owner"
        );
    }
}

}  // namespace tapline::pg
