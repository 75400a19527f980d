// Problems as HTTP answers (RFC 9457, application/problem+json), and the ones that HTTP itself
// makes.
#pragma once

#include <chrono>
#include <string>

#include "common/http.hpp"
#include "common/wire.hpp"

namespace tapline::gateway {

/// Body, Content-Type and, when there is a floor for the next try, Retry-After (RFC 9110, 10.2.3).
[[nodiscard]] http::Response to_response(const wire::Problem& problem);

[[nodiscard]] wire::Problem malformed(const std::string& detail);  // 400
[[nodiscard]] wire::Problem bad_http(const std::string& detail);   // 400
[[nodiscard]] wire::Problem no_controller();                       // 400
[[nodiscard]] wire::Problem not_found(const std::string& target);  // 404
[[nodiscard]] wire::Problem method_not_allowed(const std::string& allowed
);                                                               // 405; the caller sets Allow
[[nodiscard]] wire::Problem oversized(std::size_t limit_bytes);  // 413
[[nodiscard]] wire::Problem unsupported_media_type();            // 415
[[nodiscard]] wire::Problem header_too_large(std::size_t limit_bytes);      // 431
[[nodiscard]] wire::Problem no_certificate();                               // 403
[[nodiscard]] wire::Problem wrong_authority();                              // 403
[[nodiscard]] wire::Problem certificate_expired();                          // 403
[[nodiscard]] wire::Problem tls_required();                                 // 403
[[nodiscard]] wire::Problem too_many_attempts();                            // 429
[[nodiscard]] wire::Problem no_authority();                                 // 501
[[nodiscard]] wire::Problem internal();                                     // 500
[[nodiscard]] wire::Problem wrong_schema(const std::string& detail);        // 503
[[nodiscard]] wire::Problem not_ready();                                    // 503
[[nodiscard]] wire::Problem too_many_connections();                         // 503
[[nodiscard]] wire::Problem too_many_requests(std::chrono::seconds later);  // 503 overloaded
[[nodiscard]] wire::Problem not_your_turn(std::chrono::seconds wait);       // 503
[[nodiscard]] wire::Problem journal_busy();                                 // 503 busy

}  // namespace tapline::gateway
