// A tar archive of small texts (POSIX.1-1988 ustar), which every tool reads. Debian's libarchive
// would bring 36 MiB of libicu to a Pi for it, and 1.6 MiB of memory to every agent.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace tapline::cli {

class TarWriter {
  public:
    using Put = std::function<void(std::string_view)>;

    /// mtime_s: of every member, seconds since 1970.
    TarWriter(Put put, std::int64_t mtime_s) : put_(std::move(put)), mtime_s_(mtime_s) {}

    /// A regular file of mode 0600, owned by nobody in particular. name: relative, with '/', at
    /// most max_name_bytes. text: less than 8 GiB.
    void add(const std::string& name, std::string_view text);
    /// The end marker; nothing may follow.
    void finish();

    static constexpr std::size_t max_name_bytes = 99;

  private:
    Put put_;
    std::int64_t mtime_s_;
};

}  // namespace tapline::cli
