#include "central/trust/files.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "common/error.hpp"
#include "common/secret_file.hpp"

namespace tapline::trust {

namespace {

[[noreturn]] void unfit(const std::string& what) {
    throw Error(
        ErrorKind::usage,
        "tls_files",
        what,
        "`tapline-central tls show` tells what the files hold; docs/trust.md how to make them"
    );
}

std::string must_read(const std::filesystem::path& path) {
    auto text = read_small_file(path);
    if (!text) {
        throw Error(
            ErrorKind::usage,
            "tls_files",
            fmt::format("there is no file {}", path.string()),
            "`tapline-central tls init --name HOST` makes them, --dir or --tls says where they "
            "are; "
            "docs/trust.md has the rest"
        );
    }
    return std::move(*text);
}

std::string chain_text(const std::vector<pki::Certificate>& chain) {
    std::string text;
    for (const auto& one : chain) {
        text += one.pem();
    }
    return text;
}

Authority open_authority(const std::filesystem::path& key, const std::filesystem::path& roots) {
    const auto own = pki::Key::from_pem(must_read(key));
    const auto all = pki::Certificate::all_from_pem(must_read(roots));
    const auto root = std::find_if(all.begin(), all.end(), [&](const auto& one) {
        return one.public_hash() == own.public_hash();
    });
    if (root == all.end()) {
        unfit(fmt::format("{} isn't the key of a root in {}", key.string(), roots.string()));
    }
    return {own, *root};
}

/// The key is written first: without it a root is worth nothing, and with it a root is made anew.
Authority find_or_make_authority(const Paths& paths, UtcTime now) {
    if (read_small_file(paths.ca)) {
        return open_authority(paths.ca_key, paths.ca);
    }
    auto kept = read_small_file(paths.ca_key);
    if (!kept) {
        const bool made = create_secret_file(paths.ca_key, pki::Key::generate().pem());
        static_cast<void>(made);  // taken meanwhile: what is there counts
        kept = must_read(paths.ca_key);
    }
    Authority authority = make_authority(pki::Key::from_pem(*kept), now);
    const bool made = create_secret_file(paths.ca, authority.root.pem());
    return made ? std::move(authority) : open_authority(paths.ca_key, paths.ca);
}

std::string server_text(
    const Authority& authority, const std::vector<std::string>& names, UtcTime now
) {
    const pki::Key key = pki::Key::generate();
    const pki::Certificate certificate = issue_server(authority, key, names, now);
    return key.pem() + chain_text({certificate, authority.root});
}

}  // namespace

Paths paths_in(const std::filesystem::path& directory) {
    return {
        directory / "server.pem",
        directory / "server.pem",
        directory / "ca.pem",
        directory / "ca.key"};
}

Material init(
    const std::filesystem::path& directory, const std::vector<std::string>& names, UtcTime now
) {
    // Names are checked before anything is written.
    static_cast<void>(
        issue_server(make_authority(pki::Key::generate(), now), pki::Key::generate(), names, now)
    );
    make_secret_directory(directory);
    const Paths paths = paths_in(directory);
    const bool there = read_small_file(paths.certificate).has_value();
    const Authority authority = find_or_make_authority(paths, now);
    if (there || !create_secret_file(paths.certificate, server_text(authority, names, now))) {
        throw Error(
            ErrorKind::refused,
            "tls_exists",
            fmt::format("{} is there already, and nothing is overwritten", paths.key.string()),
            fmt::format(
                "`tapline-central tls renew --dir {}` makes a new server certificate",
                directory.string()
            )
        );
    }
    return load(paths);
}

Material renew_server(
    const std::filesystem::path& directory, std::vector<std::string> names, UtcTime now
) {
    const Paths paths = paths_in(directory);
    const Authority authority = open_authority(paths.ca_key, paths.ca);
    if (names.empty()) {
        names = pki::Certificate::from_pem(must_read(paths.certificate)).names();
    }
    write_secret_file(paths.certificate, server_text(authority, names, now));
    return load(paths);
}

Material begin_rotation(const std::filesystem::path& directory, UtcTime now) {
    const Paths paths = paths_in(directory);
    const auto next = directory / "next.key";
    static_cast<void>(open_authority(paths.ca_key, paths.ca));
    const bool fresh = create_secret_file(next, pki::Key::generate().pem());
    static_cast<void>(fresh);  // an earlier run made it: that one counts
    const auto key = pki::Key::from_pem(must_read(next));
    auto roots = pki::Certificate::all_from_pem(must_read(paths.ca));
    const bool known = std::any_of(roots.begin(), roots.end(), [&](const auto& root) {
        return root.public_hash() == key.public_hash();
    });
    if (!known) {
        roots.push_back(make_authority(key, now).root);
        write_secret_file(paths.ca, chain_text(roots));
    }
    return load(paths);
}

Material finish_rotation(const std::filesystem::path& directory, UtcTime now) {
    const Paths paths = paths_in(directory);
    const auto next = directory / "next.key";
    if (read_small_file(next)) {
        // The root must be believed before its key signs.
        static_cast<void>(open_authority(next, paths.ca));
        std::error_code failure;
        std::filesystem::rename(next, paths.ca_key, failure);
        if (failure) {
            unfit(fmt::format("can't put {} in place: {}", next.string(), failure.message()));
        }
    }
    const Authority authority = open_authority(paths.ca_key, paths.ca);
    if (pki::Certificate::from_pem(must_read(paths.certificate)).is_signed_by(authority.root)) {
        return load(paths);
    }
    return renew_server(directory, {}, now);
}

Material load(const Paths& paths) {
    const std::string certificates = must_read(paths.certificate);
    const pki::Key key = pki::Key::from_pem(must_read(paths.key));
    auto chain = pki::Certificate::all_from_pem(certificates);
    const auto roots = pki::Certificate::all_from_pem(must_read(paths.ca));
    if (chain.empty() || roots.empty()) {
        unfit(fmt::format(
            "{} holds no certificate", (chain.empty() ? paths.certificate : paths.ca).string()
        ));
    }
    if (chain.front().public_hash() != key.public_hash()) {
        unfit(fmt::format("{} isn't the key of {}", paths.key.string(), paths.certificate.string())
        );
    }
    const auto signer = std::find_if(roots.begin(), roots.end(), [&](const auto& root) {
        return root.is_authority() && chain.back().is_signed_by(root);
    });
    if (signer == roots.end()) {
        unfit(fmt::format(
            "{} isn't signed by an authority of {}", paths.certificate.string(), paths.ca.string()
        ));
    }
    // An agent that enrols knows the root by its fingerprint only, so the root has to come along.
    if (chain.back().fingerprint() != signer->fingerprint()) {
        chain.push_back(*signer);
    }
    Material material{key.pem(), chain_text(chain), chain_text(roots), std::nullopt};
    if (!paths.ca_key.empty() && std::filesystem::exists(paths.ca_key)) {
        material.authority = open_authority(paths.ca_key, paths.ca);
    }
    return material;
}

}  // namespace tapline::trust
