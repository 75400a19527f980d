// What happened in a storm, in order: its digest tells whether two runs were the same one.
#pragma once

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "common/clock.hpp"

namespace tapline::test {

class StormLog {
  public:
    explicit StormLog(const Clock& clock) : clock_(clock), start_(clock.now_mono()) {
        // Where a run went wrong is easier to see in all of it.
        if (const char* path = std::getenv("TAPLINE_TEST_LOG")) {
            file_ = std::fopen(path, "w");
        }
    }

    ~StormLog() {
        if (file_ != nullptr) {
            std::fclose(file_);
        }
    }

    StormLog(const StormLog&) = delete;
    StormLog& operator=(const StormLog&) = delete;

    void note(int device, std::string_view what) {
        const auto line = fmt::format("{} {} {}\n", elapsed().count(), device, what);
        for (const char c : line) {  // FNV-1a
            digest_ = (digest_ ^ static_cast<unsigned char>(c)) * 0x100000001B3U;
        }
        ++lines_;
        if (file_ != nullptr) {
            std::fputs(line.c_str(), file_);
        }
    }

    /// A fault that hit, by kind; noted too.
    void fault(int device, const std::string& kind) {
        ++faults_[kind];
        note(device, kind);
    }

    [[nodiscard]] std::chrono::milliseconds elapsed() const {
        return std::chrono::milliseconds(clock_.now_mono() - start_);
    }

    [[nodiscard]] std::uint64_t digest() const noexcept { return digest_; }

    [[nodiscard]] std::int64_t lines() const noexcept { return lines_; }

    [[nodiscard]] const std::map<std::string, std::int64_t>& faults() const noexcept {
        return faults_;
    }

  private:
    const Clock& clock_;
    MonoTime start_;
    std::FILE* file_ = nullptr;
    std::uint64_t digest_ = 0xCBF29CE484222325U;
    std::int64_t lines_ = 0;
    std::map<std::string, std::int64_t> faults_;
};

}  // namespace tapline::test
