#include "agent/journal/owner.hpp"

#include <cerrno>
#include <cstring>
#include <optional>
#include <string>
#include <system_error>

#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "common/error.hpp"

namespace tapline::journal {

namespace {

struct Owner {
    uid_t user = 0;
    gid_t group = 0;
};

std::optional<Owner> owner_of(const std::filesystem::path& path) {
    struct stat status {};

    if (::stat(path.c_str(), &status) != 0) {
        return std::nullopt;
    }
    return Owner{status.st_uid, status.st_gid};
}

std::string user_name(uid_t user) {
    const auto* entry =
        ::getpwuid(user);  // NOLINT(concurrency-mt-unsafe): programs start with one thread
    return entry == nullptr ? fmt::format("#{}", user) : std::string(entry->pw_name);
}

void check_step(int result, const char* step, uid_t user) {
    if (result != 0) {
        throw Error(
            ErrorKind::refused,
            "wrong_owner",
            fmt::format(
                "cannot become user {}: {}: {}", user_name(user), step, std::strerror(errno)
            ),
            fmt::format("Run it as that user: sudo -u '{}' tapline-agent …", user_name(user))
        );
    }
}

/// The file's own group, so that -wal and -shm carry it too; but root's group stays behind.
gid_t group_of(const Owner& owner, gid_t primary) {
    return owner.group == 0 ? primary : owner.group;
}

void turn_into(const Owner& owner) {
    const auto* entry = ::getpwuid(owner.user);  // NOLINT(concurrency-mt-unsafe): see user_name
    const gid_t primary = entry == nullptr ? owner.group : entry->pw_gid;
    const gid_t group = group_of(owner, primary);
    if (entry != nullptr) {
        check_step(::initgroups(entry->pw_name, primary), "initgroups", owner.user);
    } else {
        check_step(::setgroups(0, nullptr), "setgroups", owner.user);
    }
    check_step(::setresgid(group, group, group), "setresgid", owner.user);
    check_step(::setresuid(owner.user, owner.user, owner.user), "setresuid", owner.user);
}

[[noreturn]] void refuse(const std::filesystem::path& file, uid_t owner) {
    throw Error(
        ErrorKind::refused,
        "wrong_owner",
        fmt::format(
            "{} belongs to user {}, this runs as {}",
            file.string(),
            user_name(owner),
            user_name(::geteuid())
        ),
        fmt::format("Run it as the owner: sudo -u '{}' tapline-agent …", user_name(owner))
    );
}

void check_companions(const std::filesystem::path& file, uid_t owner) {
    for (const auto* suffix : {"-wal", "-shm", "-journal"}) {
        const std::filesystem::path companion = file.string() + suffix;
        const auto found = owner_of(companion);
        if (found && found->user != owner) {
            throw Error(
                ErrorKind::refused,
                "wrong_owner",
                fmt::format(
                    "{} belongs to user {}, but the journal to {}: somebody opened it as the wrong "
                    "user",
                    companion.string(),
                    user_name(found->user),
                    user_name(owner)
                ),
                fmt::format(
                    "Give it back: sudo chown --reference={} {}", file.string(), companion.string()
                )
            );
        }
    }
}

}  // namespace

std::filesystem::path real_journal_path(const std::filesystem::path& file) {
    std::error_code error;
    auto real = std::filesystem::weakly_canonical(std::filesystem::absolute(file), error);
    if (error || !std::filesystem::is_directory(real.parent_path(), error)) {
        throw Error(
            ErrorKind::usage,
            "no_such_directory",
            fmt::format("{}: there is no such directory", file.parent_path().string()),
            "Check the path; the journal's directory is made by the tap's program, not by tapline."
        );
    }
    if (std::filesystem::exists(real, error) && !std::filesystem::is_regular_file(real, error)) {
        throw Error(
            ErrorKind::usage,
            "not_a_file",
            fmt::format("{} isn't a file", real.string()),
            "Name the journal itself, e.g. local_journal.db."
        );
    }
    return real;
}

void become_owner(const std::filesystem::path& file) {
    auto owner = owner_of(file);
    if (!owner) {
        owner = owner_of(file.parent_path());
    }
    if (!owner) {
        throw Error(
            ErrorKind::usage,
            "no_such_directory",
            fmt::format("{}: {}", file.string(), std::strerror(errno)),
            "Check the path."
        );
    }
    check_companions(file, owner->user);
    if (::geteuid() == owner->user) {
        return;
    }
    if (::geteuid() != 0) {
        refuse(file, owner->user);
    }
    turn_into(*owner);
}

OwnerNames owner_names(const std::filesystem::path& file) {
    const auto owner = owner_of(file);
    if (!owner) {
        throw Error(
            ErrorKind::usage,
            "no_such_directory",
            fmt::format("{}: {}", file.string(), std::strerror(errno)),
            "Check the path."
        );
    }
    const auto* user = ::getpwuid(owner->user);  // NOLINT(concurrency-mt-unsafe): see user_name
    OwnerNames names;
    names.user = user == nullptr ? fmt::format("{}", owner->user) : std::string(user->pw_name);
    const gid_t group = group_of(*owner, user == nullptr ? owner->group : user->pw_gid);
    const auto* entry = ::getgrgid(group);  // NOLINT(concurrency-mt-unsafe): see user_name
    names.group = entry == nullptr ? fmt::format("{}", group) : std::string(entry->gr_name);
    return names;
}

}  // namespace tapline::journal
