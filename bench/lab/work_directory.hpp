// A directory of the run's own on a real disk, removed at the end.
#pragma once

#include <filesystem>

namespace tapline::bench {

class WorkDirectory {
  public:
    /// Below `parent`; mode 0755, because PostgreSQL runs as another user when we are root. `keep`
    /// leaves it there.
    WorkDirectory(const std::filesystem::path& parent, bool keep);
    ~WorkDirectory();
    WorkDirectory(const WorkDirectory&) = delete;
    WorkDirectory& operator=(const WorkDirectory&) = delete;

    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

  private:
    std::filesystem::path path_;
    bool keep_;
};

}  // namespace tapline::bench
