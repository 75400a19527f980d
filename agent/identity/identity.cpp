#include "agent/identity/identity.hpp"

#include <cerrno>
#include <cstring>
#include <string_view>

#include <unistd.h>

#include <fmt/format.h>

#include "common/error.hpp"
#include "common/secret_file.hpp"

namespace tapline::identity {

namespace {

constexpr std::string_view first_word = "central ";

std::filesystem::path identity_file(const std::filesystem::path& directory) {
    return directory / "identity.pem";
}

std::filesystem::path key_file(const std::filesystem::path& directory) {
    return directory / "enrolling.key";
}

[[noreturn]] void broken(const std::string& what) {
    throw Error(
        ErrorKind::data,
        "bad_identity",
        "this device's identity can't be used: " + what,
        "enrol it again: tapline-agent enroll URL --again; pours are kept meanwhile"
    );
}

}  // namespace

Identity assemble(const std::string& central, sync::Credentials credentials) {
    try {
        const auto key = pki::Key::from_pem(credentials.key);
        const auto certificate = pki::Certificate::from_pem(credentials.certificate);
        if (certificate.public_hash() != key.public_hash()) {
            broken("the certificate isn't for this key");
        }
        if (pki::Certificate::all_from_pem(credentials.roots).empty()) {
            broken("no authority comes with it");
        }
        Identity identity;
        identity.central = central;
        identity.name = certificate.common_name();
        identity.not_before = certificate.not_before();
        identity.not_after = certificate.not_after();
        identity.credentials = std::make_shared<const sync::Credentials>(std::move(credentials));
        return identity;
    } catch (const Error& failure) {
        if (failure.kind() != ErrorKind::usage) {
            throw;
        }
        broken(failure.what());
    }
}

std::optional<Identity> load(const std::filesystem::path& directory) {
    const auto text = read_small_file(identity_file(directory));
    if (!text) {
        return std::nullopt;
    }
    const auto end = text->find('\n');
    if (!text->starts_with(first_word) || end == std::string::npos) {
        broken("its first line is missing");
    }
    const std::string central = text->substr(first_word.size(), end - first_word.size());
    sync::Credentials credentials;
    try {
        credentials.key = pki::Key::from_pem(*text).pem();
    } catch (const Error& failure) {
        broken(failure.what());
    }
    const auto all = pki::Certificate::all_from_pem(*text);
    for (std::size_t i = 0; i < all.size(); ++i) {
        (i == 0 ? credentials.certificate : credentials.roots) += all[i].pem();
    }
    return assemble(central, std::move(credentials));
}

void save(const std::filesystem::path& directory, const Identity& identity) {
    make_secret_directory(directory);
    const auto& parts = *identity.credentials;
    write_secret_file(
        identity_file(directory),
        fmt::format(
            "{}{}\n{}{}{}", first_word, identity.central, parts.key, parts.certificate, parts.roots
        )
    );
}

pki::Key enrolling_key(const std::filesystem::path& directory) {
    make_secret_directory(directory);
    const auto file = key_file(directory);
    const pki::Key fresh = pki::Key::generate();
    if (create_secret_file(file, fresh.pem())) {
        return fresh;
    }
    return pki::Key::from_pem(read_small_file(file).value_or(""));
}

void forget_enrolling_key(const std::filesystem::path& directory) {
    const auto file = key_file(directory);
    if (::unlink(file.c_str()) != 0 && errno != ENOENT) {
        throw Error(
            ErrorKind::storage,
            "write_file",
            fmt::format("can't remove {}: {}", file.string(), std::strerror(errno)),
            "remove it by hand"
        );
    }
}

}  // namespace tapline::identity
