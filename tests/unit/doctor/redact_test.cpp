#include "agent/cli/redact.hpp"

#include <cstdlib>
#include <fstream>

#include <catch2/catch.hpp>

#include "common/pki.hpp"

namespace tapline::test {

namespace {

std::string clean(const std::string& text) {
    return cli::Redactor("/nowhere").clean(text);
}

}  // namespace

TEST_CASE("Values with the name of a secret are masked, however they are written") {
    CHECK(clean("INTERNAL_TOKEN=abc123 next") == "INTERNAL_TOKEN=[secret] next");
    CHECK(clean("password = \"with a blank, and more\"") == "password = \"[secret]\"");
    CHECK(clean(R"({"api_key": "abc", "seq": 1})") == R"({"api_key": "[secret]", "seq": 1})");
    CHECK(clean(R"({"line": "Token: \"abc\""})") == R"({"line": "Token: \"[secret]\""})");
    CHECK(clean("db_passwd:'x y' z") == "db_passwd:'[secret]' z");
    CHECK(clean("a=1&secret=b&c=2") == "a=1&secret=[secret]&c=2");
    CHECK(clean("token=a token=b") == "token=[secret] token=[secret]");
    CHECK(clean("Authorization: Bearer abc.def\nnext") == "Authorization: [secret]\nnext");
    CHECK(clean("cookie: a=1; session=2") == "cookie: [secret]");
    CHECK(clean("X-Api-Key: abc") == "X-Api-Key: [secret]");
    CHECK(clean("psk=\"wi fi\" wpa_passphrase=abc") == "psk=\"[secret]\" wpa_passphrase=[secret]");
    CHECK(clean("psql --password abc -h x") == "psql --password [secret] -h x");
    CHECK(clean("--token=abc --api-key abc") == "--token=[secret] --api-key [secret]");
    CHECK(clean("used token a1b2c3d4e5f6 today") == "used token [secret] today");
    CHECK(clean("GET /?password%3Dabc%26b%3D2 x") == "GET /?password%3D[secret]%26b%3D2 x");
    CHECK(clean(R"({"token": {"value": "abc"}, "n": 1})") == R"({"token": [secret], "n": 1})");
    CHECK(clean(R"({"secret": ["a", "b"]})") == R"({"secret": [secret]})");
    CHECK(clean("db_pass=abc pass: x pw=1") == "db_pass=[secret] pass: [secret] pw=[secret]");
    CHECK(clean("secret => hunter2") == "secret => [secret]");
    CHECK(
        clean(R"({"code": "0123456789ABCDEFGHJKMNPQRSTVWXYZ", "csr": "x"})") ==
        R"({"code": "[secret]", "csr": "x"})"
    );
    CHECK(clean("aws_access_key=abc") == "aws_access_key=[secret]");
    CHECK(clean("token=") == "token=");
    CHECK(clean("secret") == "secret");
}

TEST_CASE("Words about secrets stay") {
    for (const auto* text :
         {"the token is on your screen",
          "CREATE TABLE t (token TEXT, password_hash BLOB)",
          "bypass: 3, passed=4, the password consumption 12 of internationalisation",
          "see http://[::1]:8443/a@b and https://h:1/x?y=a@b",
          R"({"error": {"code": "journal_locked"}, "exit_code": 5, "code": 12})",
          "tokens, and more"}) {
        CHECK(clean(text) == text);
    }
}

TEST_CASE("Users in a URL, codes of a token and private keys are masked") {
    CHECK(clean("https://bob:pa@ss@h:1/x") == "https://[secret]@h:1/x");
    CHECK(clean("postgresql://bob:p/a@h/db x@y") == "postgresql://[secret]@h/db x@y");
    CHECK(clean("see https://central.example:8443/a@b") == "see https://central.example:8443/a@b");
    const std::string root(64, 'a');
    CHECK(clean("TAP1-" + root + "-CODE23 x") == "TAP1-" + root + "-[secret] x");
    CHECK(clean("TAP1-") == "TAP1-[secret]");
    const auto key = pki::Key::generate().pem();
    const auto masked = clean("a " + key + " b");
    CHECK(masked.find("[secret]") != std::string::npos);
    CHECK(masked.find(key.substr(40, 20)) == std::string::npos);
    CHECK(masked.ends_with("-----END PRIVATE KEY-----\n b"));
}

TEST_CASE("The rest of a private key whose beginning was cut off is masked") {
    const auto key = pki::Key::generate().pem();
    for (const std::size_t cut : {30U, 60U, 100U, 150U}) {
        const auto masked = clean(key.substr(cut) + "and on\n");
        CHECK(masked.starts_with("[secret]\n-----END"));
        CHECK(masked.ends_with("and on\n"));
    }
    CHECK(clean("a line\n" + key.substr(60)).starts_with("a line\n[secret]\n-----END"));
    CHECK(clean("-----END CERTIFICATE-----\nx") == "-----END CERTIFICATE-----\nx");
}

TEST_CASE("Lines of this device's own key are masked wherever they stand") {
    std::string name = "/tmp/tapline-redact-XXXXXX";
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    const auto key = pki::Key::generate().pem();
    std::ofstream(name + "/identity.pem") << "central https://c:1\n" << key;
    const auto first = key.find('\n') + 1;
    const auto line = key.substr(first, key.find('\n', first) - first);
    const cli::Redactor redactor(name);
    CHECK(redactor.clean("x" + line + "y" + line) == "x[secret]y[secret]");
    std::filesystem::remove_all(name);
}

}  // namespace tapline::test
