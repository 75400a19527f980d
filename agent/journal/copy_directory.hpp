// Where copies of a journal are looked at: a directory of its owner alone, beside the journal.
#pragma once

#include <filesystem>

namespace tapline::journal {

/// Removed with all that is in it. What a killed run left is removed by a later one, after an hour.
class CopyDirectory {
  public:
    /// Elsewhere if the journal's own directory can't be written. Throws refused/"cannot_open".
    explicit CopyDirectory(const std::filesystem::path& journal);
    ~CopyDirectory();
    CopyDirectory(const CopyDirectory&) = delete;
    CopyDirectory& operator=(const CopyDirectory&) = delete;

    /// It was renamed, and stays.
    void keep_as(std::filesystem::path name) noexcept;

    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

  private:
    std::filesystem::path path_;
    bool kept_ = false;
};

}  // namespace tapline::journal
