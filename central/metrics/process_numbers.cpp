#include "central/metrics/process_numbers.hpp"

#include <cstdio>

#include <dirent.h>
#include <unistd.h>

namespace tapline::metrics {

ProcessNumbers read_process_numbers() noexcept {
    ProcessNumbers numbers;
    if (std::FILE* file = std::fopen("/proc/self/statm", "re")) {
        long total_pages = 0;
        long resident_pages = 0;
        if (std::fscanf(file, "%ld %ld", &total_pages, &resident_pages) == 2) {
            numbers.resident_bytes = std::int64_t{resident_pages} * ::sysconf(_SC_PAGESIZE);
        }
        std::fclose(file);
    }
    if (DIR* files = ::opendir("/proc/self/fd")) {
        constexpr std::int64_t not_files = 3;  // ".", ".." and this directory itself
        while (::readdir(files) != nullptr) {
            ++numbers.open_files;
        }
        ::closedir(files);
        numbers.open_files -= not_files;
    }
    return numbers;
}

}  // namespace tapline::metrics
