#include "agent/identity/enroll.hpp"

#include <exception>
#include <optional>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <fmt/format.h>

#include "agent/sync/client.hpp"
#include "agent/sync/https_transport.hpp"
#include "common/log.hpp"
#include "common/test_hook.hpp"

namespace asio = boost::asio;

namespace tapline::identity {

namespace {

sync::EnrollAnswer ask(const EnrollOptions& options, const wire::EnrollRequest& request) {
    asio::io_context io(1);  // first: the connection must be gone before it
    auto shown = std::make_shared<sync::Credentials>();
    shown->pin = options.token.root;
    sync::TransportTrust trust;
    trust.credentials = [shown] { return shown; };
    trust.dates_count = options.dates_count;
    sync::HttpsTransport transport(sync::parse_central_url(options.url), {}, std::move(trust));
    sync::Client client(transport, "", options.agent_version);
    std::optional<sync::EnrollAnswer> answer;
    std::exception_ptr failed;
    asio::co_spawn(
        io,
        client.enroll(request, options.deadline),
        [&](std::exception_ptr failure, sync::EnrollAnswer what) {
            failed = std::move(failure);
            answer = std::move(what);
        }
    );
    io.run();
    if (failed) {
        std::rethrow_exception(failed);
    }
    return std::move(*answer);
}

}  // namespace

Error refusal(const wire::Problem& problem) {
    const bool later = problem.status >= 500 && problem.status != 501;
    return Error(
        later ? ErrorKind::unreachable : ErrorKind::refused,
        printable(problem.code, 64),
        fmt::format("central says no: {}", printable(problem.title)),
        printable(problem.detail)
    );
}

Identity enroll(const EnrollOptions& options) {
    const pki::Key key = enrolling_key(options.directory);
    wire::EnrollRequest request;
    request.code = options.token.code;
    request.csr = pki::Request::make(key);
    request.agent_version = options.agent_version;
    test_stop_at("enroll.key");
    const auto answer = ask(options, request);
    test_stop_at("enroll.answer");
    if (const auto* problem = std::get_if<wire::Problem>(&answer)) {
        throw refusal(*problem);
    }
    const auto& enrolled = std::get<wire::Enrolled>(answer);
    sync::Credentials credentials;
    credentials.key = key.pem();
    credentials.certificate = enrolled.certificate;
    credentials.roots = enrolled.roots;
    const Identity identity = assemble(options.url, std::move(credentials));
    save(options.directory, identity);
    test_stop_at("enroll.saved");
    forget_enrolling_key(options.directory);
    return identity;
}

}  // namespace tapline::identity
