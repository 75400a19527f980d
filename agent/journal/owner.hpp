// Who may open a journal, and how root becomes that user first.
#pragma once

#include <filesystem>
#include <string>

namespace tapline::journal {

/// The real path of a journal: symbolic links resolved, for a file that doesn't exist yet those of
/// its directory. Throws usage/"no_such_directory", "not_a_file".
[[nodiscard]] std::filesystem::path real_journal_path(const std::filesystem::path& file);

/// SQLite makes -wal and -shm as whoever opens first; made by another user they lock the tap's
/// program out. So root turns into the file's owner here, for good; any other user than the owner
/// gets refused/"wrong_owner". A file that doesn't exist yet belongs to its directory's owner.
/// Also refuses ("wrong_owner") when a -wal or -shm beside the file belongs to somebody else.
void become_owner(const std::filesystem::path& file);

/// Whom become_owner makes of root, by name; a number where the machine has no name for it.
struct OwnerNames {
    std::string user;
    std::string group;
};

/// Throws usage/"no_such_directory" when there is no such file.
[[nodiscard]] OwnerNames owner_names(const std::filesystem::path& file);

}  // namespace tapline::journal
