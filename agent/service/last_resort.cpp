#include "agent/service/last_resort.hpp"

#include <unistd.h>

#include <spdlog/spdlog.h>

namespace tapline::service {

LastResort::~LastResort() {
    thread_.request_stop();
}

void LastResort::arm(std::chrono::milliseconds after) {
    if (thread_.joinable()) {
        return;
    }
    thread_ = std::jthread([this, after](const std::stop_token& disarmed) {
        std::unique_lock lock(mutex_);
        ending_.wait_for(lock, disarmed, after, [] { return false; });
        if (!disarmed.stop_requested()) {
            spdlog::warn("the disk is silent; stopping without waiting for it");
            ::_exit(0);
        }
    });
}

}  // namespace tapline::service
