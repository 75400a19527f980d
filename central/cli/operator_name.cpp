#include "central/cli/operator_name.hpp"

#include <cstdlib>

#include <pwd.h>
#include <unistd.h>

#include <fmt/format.h>

#include "common/log.hpp"

namespace tapline::cli {

std::string operator_name() {
    // NOLINTNEXTLINE(concurrency-mt-unsafe): before any thread
    const char* sudo_user = std::getenv("SUDO_USER");
    if (sudo_user != nullptr && *sudo_user != '\0') {
        return printable(sudo_user, 100);
    }
    // NOLINTNEXTLINE(concurrency-mt-unsafe): before any thread
    const passwd* user = ::getpwuid(::getuid());
    return user != nullptr ? std::string(user->pw_name) : fmt::format("uid {}", ::getuid());
}

}  // namespace tapline::cli
