#include "agent/identity/central_clock.hpp"

#include <charconv>
#include <string>

#include <spdlog/spdlog.h>

#include "common/error.hpp"
#include "common/secret_file.hpp"

namespace tapline::identity {

namespace {

constexpr std::chrono::hours write_every{24};
/// 2200: a number beyond it is no time.
constexpr std::int64_t latest_ms = 7'258'118'400'000;

}  // namespace

CentralClock::CentralClock(
    Clock& clock, std::function<bool()> synchronized, std::filesystem::path file
)
    : clock_(clock), synchronized_(std::move(synchronized)), file_(std::move(file)) {
    const std::string text = read_small_file(file_).value_or("");
    std::int64_t ms = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), ms);
    if (failure == std::errc{} && end != text.data() && ms > 0 && ms < latest_ms) {
        written_ = UtcTime(std::chrono::milliseconds(ms));
        word_ = Word{*written_, clock_.now_mono()};
    }
}

UtcTime CentralClock::now() const {
    if (synchronized_() || !word_) {
        return clock_.now_utc();
    }
    return word_->central + (clock_.now_mono() - word_->at);
}

void CentralClock::heard(std::int64_t server_utc_ms) {
    if (server_utc_ms <= 0 || server_utc_ms >= latest_ms) {
        return;
    }
    const UtcTime central{std::chrono::milliseconds(server_utc_ms)};
    word_ = Word{central, clock_.now_mono()};
    if (written_ && central < *written_ + write_every && central > *written_ - write_every) {
        return;
    }
    try {
        write_secret_file(file_, std::to_string(server_utc_ms) + "\n");
    } catch (const Error& failure) {
        // Worth nothing but a better guess after a restart.
        spdlog::debug("central's time isn't kept: {}", failure.what());
    }
    written_ = central;
}

}  // namespace tapline::identity
