#include "common/log.hpp"

#include <cstdlib>

#include <fmt/format.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "common/pour.hpp"

namespace tapline {

void start_logging(const std::string& program, const std::string& level) {
    auto logger = spdlog::stderr_logger_mt(program);
    logger->set_level(spdlog::level::from_str(level));
    const bool under_systemd = std::getenv("JOURNAL_STREAM") != nullptr;
    logger->set_pattern(under_systemd ? "%l: %v" : "%Y-%m-%dT%H:%M:%S.%e %l %v");
    logger->flush_on(spdlog::level::debug);
    spdlog::set_default_logger(std::move(logger));
}

void set_log_level(const std::string& level) {
    spdlog::default_logger()->set_level(spdlog::level::from_str(level));
}

std::string printable(const std::string& text, std::size_t limit) {
    const bool utf8 = is_valid_utf8(text);
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        // Never inside a character: what is cut stays UTF-8.
        if (out.size() >= limit && (!utf8 || (byte & 0xC0U) != 0x80U)) {
            out += "…";
            break;
        }
        if (byte < 0x20 || byte == 0x7F || (byte >= 0x80 && !utf8)) {
            out += fmt::format("\\x{:02x}", byte);
        } else {
            out.push_back(c);
        }
    }
    return out;
}

}  // namespace tapline
