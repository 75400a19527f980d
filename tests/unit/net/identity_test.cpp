// What a device keeps of its identity, and when it asks for the next certificate.
#include <filesystem>
#include <fstream>

#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>

#include "agent/identity/central_clock.hpp"
#include "agent/identity/renewer.hpp"
#include "agent/identity/token.hpp"
#include "central/trust/files.hpp"
#include "common/error.hpp"
#include "common/secret_file.hpp"
#include "tests/support/fake_clock.hpp"

namespace asio = boost::asio;
namespace fs = std::filesystem;
using namespace std::chrono_literals;
using tapline::identity::Identity;

namespace {

constexpr auto day = std::chrono::hours(24);

struct Folder {
    Folder()
        : path(fs::temp_directory_path() / ("tapline-identity-" + std::to_string(::getpid()))) {
        fs::remove_all(path);
        fs::create_directory(path);
    }

    ~Folder() { fs::remove_all(path); }

    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;

    fs::path path;
};

unsigned mode_of(const fs::path& path) {
    struct stat status {};

    REQUIRE(::stat(path.c_str(), &status) == 0);
    return status.st_mode & 0777U;
}

template <typename Call>
std::string code_of(Call call) {
    try {
        call();
    } catch (const tapline::Error& failure) {
        return failure.code();
    }
    return "none";
}

/// An authority, and a device of it, by a clock that the test moves.
struct Lab {
    explicit Lab(std::chrono::seconds device_lifetime = 100 * day)
        : lifetime(device_lifetime),
          authority(tapline::trust::make_authority(tapline::pki::Key::generate(), clock.now_utc())),
          key(tapline::pki::Key::generate()),
          identity(tapline::identity::assemble("https://central:1", issue())) {}

    [[nodiscard]] tapline::sync::Credentials issue() const {
        const auto request = tapline::pki::Request::from_pem(tapline::pki::Request::make(key));
        tapline::sync::Credentials made;
        made.key = key.pem();
        made.certificate =
            tapline::trust::issue_client(authority, request, "bar-3", clock.now_utc(), lifetime)
                .pem();
        made.roots = authority.root.pem();
        return made;
    }

    std::chrono::seconds lifetime;
    tapline::test::FakeClock clock;
    tapline::trust::Authority authority;
    tapline::pki::Key key;
    Identity identity;
};

/// Answers renewals, or doesn't.
class Renewing final : public tapline::sync::Transport {
  public:
    explicit Renewing(Lab& lab) : lab_(lab) {}

    int asked = 0;
    bool away = false;
    int refuse_with = 0;

    [[nodiscard]] asio::awaitable<tapline::http::Response> send(
        tapline::http::Request request, std::chrono::milliseconds
    ) override {
        ++asked;
        CHECK(request.target == "/v1/renew");
        if (away) {
            throw tapline::Error(tapline::ErrorKind::unreachable, "central_unreachable", "away");
        }
        tapline::http::Response response(refuse_with == 0 ? 200 : refuse_with);
        tapline::wire::Enrolled enrolled;
        const auto made = lab_.issue();
        enrolled.name = "bar-3";
        enrolled.certificate = made.certificate;
        enrolled.roots = made.roots;
        enrolled.server_utc_ms = lab_.clock.now_utc().time_since_epoch().count();
        response.body = refuse_with == 0 ? tapline::wire::encode(enrolled) : "no";
        co_return response;
    }

  private:
    Lab& lab_;
};

}  // namespace

TEST_CASE("Secret files: 0600, and create never replaces") {
    const Folder folder;
    const auto file = folder.path / "key";
    CHECK(tapline::create_secret_file(file, "first"));
    CHECK_FALSE(tapline::create_secret_file(file, "second"));
    CHECK(tapline::read_small_file(file) == "first");
    CHECK(mode_of(file) == 0600);
    // What a power cut left behind is in nobody's way.
    std::ofstream(folder.path / "key.new") << "half";
    tapline::write_secret_file(file, "third");
    CHECK(tapline::read_small_file(file) == "third");
    CHECK(mode_of(file) == 0600);
    CHECK_FALSE(fs::exists(folder.path / "key.new"));
    CHECK(tapline::read_small_file(folder.path / "absent") == std::nullopt);
    std::ofstream(folder.path / "huge") << std::string(1'100'000, 'x');
    CHECK(code_of([&] {
              static_cast<void>(tapline::read_small_file(folder.path / "huge"));
          }) == "read_file");
}

TEST_CASE("Authority files: whole or not there, and a run that was cut off goes on") {
    const Folder folder;
    const auto directory = folder.path / "tls";
    const auto time = tapline::SystemClock().now_utc();
    const std::vector<std::string> names{"central.example", "10.0.0.5", "::1"};
    CHECK(code_of([&] {
              static_cast<void>(tapline::trust::init(directory, {"a,b"}, time));
          }) == "bad_name");
    CHECK_FALSE(fs::exists(directory));
    const auto first = tapline::trust::init(directory, names, time);
    CHECK(tapline::pki::Certificate::from_pem(first.server_chain).names().size() == 3);
    const auto root = tapline::read_small_file(directory / "ca.pem");
    const auto key = tapline::read_small_file(directory / "ca.key");
    for (const auto* file : {"ca.key", "ca.pem", "server.pem"}) {
        CHECK(mode_of(directory / file) == 0600);
    }
    CHECK(code_of([&] {
              static_cast<void>(tapline::trust::init(directory, names, time));
          }) == "tls_exists");
    fs::remove(directory / "server.pem");
    static_cast<void>(tapline::trust::init(directory, names, time));
    CHECK(tapline::read_small_file(directory / "ca.pem") == root);
    fs::remove(directory / "server.pem");
    fs::remove(directory / "ca.pem");
    static_cast<void>(tapline::trust::init(directory, names, time));
    CHECK(tapline::read_small_file(directory / "ca.key") == key);
    // Files of the operator's own work the same, without the authority's key too.
    auto paths = tapline::trust::paths_in(directory);
    paths.ca_key.clear();
    CHECK_FALSE(tapline::trust::load(paths).authority);
    paths.key = directory / "ca.key";
    CHECK(code_of([&] { static_cast<void>(tapline::trust::load(paths)); }) == "tls_files");
}

TEST_CASE("Authority files: a change of authority can be cut off between any two files") {
    const Folder folder;
    const auto directory = folder.path / "tls";
    const auto time = tapline::SystemClock().now_utc();
    const auto old = tapline::trust::init(directory, {"10.0.0.5"}, time).authority;
    const auto both = tapline::trust::begin_rotation(directory, time);
    CHECK(both.authority->root.fingerprint() == old->root.fingerprint());
    CHECK(tapline::pki::Certificate::all_from_pem(both.roots).size() == 2);
    CHECK(tapline::trust::begin_rotation(directory, time).roots == both.roots);
    // The key has changed, the server's certificate hasn't.
    fs::rename(directory / "next.key", directory / "ca.key");
    const auto between = tapline::trust::load(tapline::trust::paths_in(directory));
    CHECK(between.authority->root.fingerprint() != old->root.fingerprint());
    CHECK(between.server_chain == both.server_chain);
    const auto done = tapline::trust::finish_rotation(directory, time);
    const auto server = tapline::pki::Certificate::from_pem(done.server_chain);
    CHECK(server.is_signed_by(done.authority->root));
    CHECK(server.names() == std::vector<std::string>{"10.0.0.5"});
    CHECK(tapline::trust::finish_rotation(directory, time).server_chain == done.server_chain);
}

TEST_CASE("Token: read whatever stands around it, and never repeated in an error") {
    const std::string hex(64, 'a');
    const std::string code = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    const auto token = tapline::identity::parse_token("  TAP1-" + hex + "-" + code + "\r\n");
    CHECK(token.code == code);
    CHECK(tapline::to_hex(token.root) == hex);
    CHECK(tapline::identity::parse_token("tap1-" + hex + "-" + code).code == code);
    const auto bad = GENERATE_COPY(
        std::string(),
        std::string("TAP1-"),
        "TAP2-" + hex + "-" + code,
        "TAP1-" + hex + "-" + code.substr(1),
        "TAP1-" + hex + "-" + code + "0",
        "TAP1-" + hex + code + "--",
        "TAP1-" + std::string(64, 'g') + "-" + code,
        "TAP1-" + hex + "-" + code.substr(1) + "U"
    );
    try {
        static_cast<void>(tapline::identity::parse_token(bad));
        FAIL(bad << " was taken");
    } catch (const tapline::Error& failure) {
        CHECK(failure.code() == "bad_token");
        CHECK(std::string(failure.what()).find(code.substr(2)) == std::string::npos);
    }
}

TEST_CASE("Identity: what was saved is read again; parts that don't belong together are refused") {
    const Folder folder;
    const Lab lab;
    CHECK_FALSE(tapline::identity::load(folder.path));
    tapline::identity::save(folder.path, lab.identity);
    CHECK(mode_of(folder.path / "identity.pem") == 0600);
    const auto again = tapline::identity::load(folder.path);
    REQUIRE(again);
    CHECK(again->name == "bar-3");
    CHECK(again->central == "https://central:1");
    CHECK(again->credentials->certificate == lab.identity.credentials->certificate);
    auto torn = *lab.identity.credentials;
    torn.key = tapline::pki::Key::generate().pem();
    CHECK(code_of([&] {
              static_cast<void>(tapline::identity::assemble("https://central:1", torn));
          }) == "bad_identity");
    std::ofstream(folder.path / "identity.pem") << "central https://central:1\nnonsense";
    CHECK(code_of([&] {
              static_cast<void>(tapline::identity::load(folder.path));
          }) == "bad_identity");
}

TEST_CASE("Identity: the key of an enrolment stays the same until it is forgotten") {
    const Folder folder;
    const auto first = tapline::identity::enrolling_key(folder.path);
    CHECK(tapline::identity::enrolling_key(folder.path).public_hash() == first.public_hash());
    tapline::identity::forget_enrolling_key(folder.path);
    tapline::identity::forget_enrolling_key(folder.path);
    CHECK(tapline::identity::enrolling_key(folder.path).public_hash() != first.public_hash());
}

TEST_CASE("Clock: until it is synchronized, central's last word counts, over a restart too") {
    const Folder folder;
    tapline::test::FakeClock clock;
    bool synchronized = false;
    const auto word = clock.now_utc() + 20'000 * day;
    {
        tapline::identity::CentralClock time(
            clock, [&] { return synchronized; }, folder.path / "time"
        );
        CHECK(time.now() == clock.now_utc());
        time.heard(0);
        time.heard(-5);
        CHECK(time.now() == clock.now_utc());
        time.heard(word.time_since_epoch().count());
        clock.advance(10s);
        CHECK(time.now() == word + 10s);
        synchronized = true;
        CHECK(time.now() == clock.now_utc());
    }
    synchronized = false;
    clock.step(-30'000 * day);  // 1944: a Pi without a battery can be anywhere
    const tapline::identity::CentralClock again(
        clock, [&] { return synchronized; }, folder.path / "time"
    );
    CHECK(again.now() == word);
}

TEST_CASE("Renewer: asks at half life, goes on asking while central is away, stops when told") {
    const Folder folder;
    Lab lab;
    tapline::identity::CentralClock time(
        lab.clock, [] { return true; }, folder.path / "time"
    );
    tapline::identity::Renewer renewer(folder.path, lab.identity, lab.clock, time);
    Renewing central(lab);
    asio::io_context io;
    bool ended = false;
    asio::co_spawn(io, renewer.run(central, "test"), [&](std::exception_ptr failure) {
        CHECK(failure == nullptr);
        ended = true;
    });
    const auto live = [&](std::chrono::minutes duration) {
        for (std::chrono::minutes gone{0}; gone < duration; gone += 30min) {
            lab.clock.advance(30min);
            io.restart();
            io.poll();
        }
    };
    live(49 * day);
    CHECK(central.asked == 0);
    central.away = true;
    live(2 * day);
    CHECK(central.asked >= 10);
    CHECK(central.asked <= 60);  // once an hour at most, after the first few
    CHECK(renewer.credentials() == lab.identity.credentials);
    central.away = false;
    live(2 * day);
    const auto renewed = renewer.credentials();
    CHECK(renewed->certificate != lab.identity.credentials->certificate);
    CHECK(tapline::identity::load(folder.path)->credentials->certificate == renewed->certificate);
    const int before = central.asked;
    live(40 * day);
    CHECK(central.asked == before);
    renewer.wanted();  // central says it has ended
    live(std::chrono::minutes(30));
    CHECK(central.asked == before + 1);
    renewer.stop();
    io.restart();
    io.poll();
    CHECK(ended);
}
