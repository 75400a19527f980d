#include "common/pki.hpp"
#include "common/wire_parts.hpp"

namespace tapline::wire {

namespace {

constexpr std::size_t max_taps = 500;

std::string long_text(const Json& json, const char* name, std::size_t limit) {
    const auto member = json.find(name);
    if (member == json.end() || !member->is_string() ||
        member->get_ref<const std::string&>().size() > limit) {
        malformed(fmt::format("{} isn't a text of at most {} bytes", name, limit));
    }
    return member->get<std::string>();
}

}  // namespace

std::string encode(const EnrollRequest& request) {
    return dump({
        {"code", request.code},
        {"csr", request.csr},
        {"agent_version", request.agent_version},
    });
}

EnrollRequest decode_enroll_request(std::string_view text) {
    const auto json = parse_object(text);
    const Reader reader(json);
    EnrollRequest request;
    request.code = reader.text("code");
    request.csr = long_text(json, "csr", pki::max_request_bytes);
    request.agent_version = reader.text_or("agent_version");
    return request;
}

std::string encode(const RenewRequest& request) {
    return dump({{"csr", request.csr}});
}

RenewRequest decode_renew_request(std::string_view text) {
    const auto json = parse_object(text);
    RenewRequest request;
    request.csr = long_text(json, "csr", pki::max_request_bytes);
    return request;
}

std::string encode(const Enrolled& enrolled) {
    return dump({
        {"name", enrolled.name},
        {"certificate", enrolled.certificate},
        {"roots", enrolled.roots},
        {"taps", enrolled.taps},
        {"server_utc_ms", enrolled.server_utc_ms},
    });
}

Enrolled decode_enrolled(std::string_view text) {
    const auto json = parse_object(text);
    const Reader reader(json);
    Enrolled enrolled;
    enrolled.name = reader.text("name");
    enrolled.certificate = long_text(json, "certificate", pki::max_bundle_bytes);
    enrolled.roots = long_text(json, "roots", pki::max_bundle_bytes);
    enrolled.taps = reader.list<std::int64_t>("taps", max_taps, [](const Json& item) {
        if (!item.is_number_integer()) {
            malformed("a tap isn't a whole number");
        }
        return item.get<std::int64_t>();
    });
    enrolled.server_utc_ms = reader.number_or("server_utc_ms", 0);
    return enrolled;
}

}  // namespace tapline::wire
