// How this device gets its certificate the first time.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "agent/identity/identity.hpp"
#include "agent/identity/token.hpp"
#include "common/error.hpp"
#include "common/wire.hpp"

namespace tapline::identity {

struct EnrollOptions {
    std::filesystem::path directory;
    std::string url;
    Token token;
    std::string agent_version;
    std::function<bool()> dates_count;
    std::chrono::milliseconds deadline{20'000};
};

/// Blocks for the deadline at most. A run that was cut off anywhere can be repeated with the same
/// token: the key is kept until the certificate is. Nothing is sent before the server has proved
/// that the token's authority signed it. Error{unreachable, "central_unreachable" | "wrong_host" |
/// "wrong_authority" | …}; Error{refused, <code of the problem>} when central says no;
/// Error{protocol | data}.
[[nodiscard]] Identity enroll(const EnrollOptions& options);

/// Central's no, as an error for people.
[[nodiscard]] Error refusal(const wire::Problem& problem);

}  // namespace tapline::identity
