// tls: the certificates of central and of the fleet's authority.
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "central/cli/revision_options.hpp"
#include "central/trust/files.hpp"

namespace tapline::cli {

namespace {

using Json = nlohmann::ordered_json;

constexpr int negative = 1;

struct TlsFlags {
    std::string directory = default_tls_directory;
    std::vector<std::string> names;
    bool finish = false;
};

Json describe(const pki::Certificate& certificate) {
    return {
        {"name", certificate.common_name()},
        {"names", certificate.names()},
        {"serial", certificate.serial()},
        {"sha256", to_hex(certificate.fingerprint())},
        {"not_before", format_utc(certificate.not_before())},
        {"not_after", format_utc(certificate.not_after())}};
}

std::string sentence(const std::string& what, const pki::Certificate& certificate) {
    return fmt::format(
        "{:<10} {}\n           SHA-256 {}\n           until {}\n",
        what,
        certificate.names().empty() ? certificate.common_name()
                                    : fmt::format("{}", fmt::join(certificate.names(), ", ")),
        to_hex(certificate.fingerprint()),
        format_utc(certificate.not_after())
    );
}

void show(Context& context, const std::string& directory, const trust::Material& material) {
    const auto server = pki::Certificate::from_pem(material.server_chain);
    const auto roots = pki::Certificate::all_from_pem(material.roots);
    Json trusted = Json::array();
    std::string text = sentence("server", server);
    for (const auto& root : roots) {
        trusted.push_back(describe(root));
        text += sentence("authority", root);
    }
    const SystemClock clock;
    const bool ended = server.not_after() <= clock.now_utc();
    if (ended) {
        text += "the server's certificate has ended: `tapline-central tls renew`\n";
        context.exit_code = negative;
    }
    if (!material.authority) {
        text += "without the authority's key devices can't be enrolled here\n";
    }
    const Json json{
        {"directory", directory},
        {"server", describe(server)},
        {"authorities", trusted},
        {"can_enroll", material.authority.has_value()}};
    print(context, json, text);
}

CLI::App* add_verb(
    CLI::App& family,
    Context& context,
    const char* name,
    const char* help,
    const std::shared_ptr<TlsFlags>& flags
) {
    CLI::App* verb = family.add_subcommand(name, help);
    add_json_option(*verb, context);
    verb->add_option("--dir", flags->directory, "where the files are")
        ->type_name("DIR")
        ->capture_default_str();
    return verb;
}

}  // namespace

void add_tls_verbs(CLI::App& app, Context& context) {
    CLI::App* family = app.add_subcommand("tls", "certificates of central and of its authority");
    family->require_subcommand(1);
    family->footer(
        "Examples:\n  tapline-central tls init --name central.example --name 10.0.0.5\n"
        "  tapline-central serve --listen 0.0.0.0:8443 --tls /etc/tapline/tls"
    );
    const auto made = std::make_shared<TlsFlags>();
    CLI::App* verb = add_verb(*family, context, "init", "make an authority and a server", made);
    verb->add_option("--name", made->names, "name or address that agents connect to; repeatable")
        ->type_name("HOST")
        ->required();
    verb->callback([&context, made] {
        const SystemClock clock;
        show(context, made->directory, trust::init(made->directory, made->names, clock.now_utc()));
    });
    const auto renewed = std::make_shared<TlsFlags>();
    verb = add_verb(*family, context, "renew", "a new certificate for the server", renewed);
    verb->add_option("--name", renewed->names, "instead of the names it has; repeatable")
        ->type_name("HOST");
    verb->callback([&context, renewed] {
        const SystemClock clock;
        auto material = trust::renew_server(renewed->directory, renewed->names, clock.now_utc());
        show(context, renewed->directory, material);
    });
    const auto rotated = std::make_shared<TlsFlags>();
    verb = add_verb(*family, context, "rotate", "another authority, in two steps", rotated);
    verb->add_flag("--finish", rotated->finish, "the new authority signs from now on");
    verb->footer(
        "First `tls rotate` and SIGHUP: each device learns of the new root when it renews. When "
        "all "
        "have\n(`controllers list`), `tls rotate --finish` and SIGHUP. No device enrols again."
    );
    verb->callback([&context, rotated] {
        const SystemClock clock;
        const auto step = rotated->finish ? &trust::finish_rotation : &trust::begin_rotation;
        show(context, rotated->directory, step(rotated->directory, clock.now_utc()));
    });
    const auto shown = std::make_shared<TlsFlags>();
    verb = add_verb(*family, context, "show", "names, fingerprints and ends", shown);
    verb->callback([&context, shown] {
        show(context, shown->directory, trust::load(trust::paths_in(shown->directory)));
    });
}

}  // namespace tapline::cli
