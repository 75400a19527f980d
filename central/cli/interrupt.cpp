#include "central/cli/interrupt.hpp"

#include <csignal>

namespace tapline::cli {

namespace {

// A signal handler reaches nothing but a global.
std::atomic<bool> requested{false};  // NOLINT(cppcoreguidelines-avoid-non-const-global-variables)
static_assert(std::atomic<bool>::is_always_lock_free);

void ask(int signal) {
    requested = true;
    std::signal(signal, SIG_DFL);
}

}  // namespace

const std::atomic<bool>& stop_requested() {
    static const bool installed = [] {
        std::signal(SIGINT, ask);
        std::signal(SIGTERM, ask);
        return true;
    }();
    static_cast<void>(installed);
    return requested;
}

}  // namespace tapline::cli
