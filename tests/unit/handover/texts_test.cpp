#include "agent/handover/texts.hpp"

#include <catch2/catch.hpp>

#include "common/error.hpp"

namespace tapline::test {

using handover::drop_in_text;
using handover::settings_text;

namespace {

const handover::DropIn cellar{"cybeer", "cybeer", "/home/cybeer/rpi-controller"};
constexpr const char* journal = "/home/cybeer/rpi-controller/local_journal.db";

bool same_text(const std::string& one, const std::string& other) {
    return one == other;
}

handover::NewText settings_of(const std::string& old) {
    return settings_text(old, journal, same_text);
}

}  // namespace

TEST_CASE("A drop-in names owner and directory, and twice it is the same") {
    const auto first = drop_in_text(cellar, std::nullopt);
    CHECK(first.changed);
    CHECK(
        first.text ==
        "# By `tapline-agent journal handover`; one line per journal.\n[Service]\nUser=cybeer\n"
        "Group=cybeer\nReadWritePaths=/home/cybeer/rpi-controller\n"
    );
    const auto second = drop_in_text(cellar, first.text);
    CHECK_FALSE(second.changed);
    CHECK(second.text == first.text);
    CHECK(second.refusal.empty());
}

TEST_CASE("Another journal of the same owner gets a line of its own, and keeps the first") {
    const auto first = drop_in_text(cellar, std::nullopt);
    const auto both = drop_in_text({"cybeer", "cybeer", "/srv/tap 2"}, first.text);
    CHECK(both.changed);
    CHECK(both.text == first.text + "ReadWritePaths=\"/srv/tap 2\"\n");
    CHECK_FALSE(drop_in_text(cellar, both.text).changed);
    CHECK_FALSE(drop_in_text({"cybeer", "cybeer", "/srv/tap 2"}, both.text).changed);
}

TEST_CASE("A drop-in for another owner, or by a person, is left alone and what to write is told") {
    const auto first = drop_in_text(cellar, std::nullopt);
    const auto other = drop_in_text({"pi", "pi", "/home/pi"}, first.text);
    CHECK_FALSE(other.changed);
    CHECK(other.refusal.find("another user") != std::string::npos);
    const auto persons = drop_in_text(cellar, "[Service]\nUser=cybeer\n# mine\n");
    CHECK_FALSE(persons.changed);
    CHECK(persons.refusal.find("a person wrote it") != std::string::npos);
    CHECK(
        persons.to_write.find("ReadWritePaths=/home/cybeer/rpi-controller\n") != std::string::npos
    );
    const auto fits = drop_in_text(
        cellar,
        "# mine\n[Service]\nNice=5\nUser=cybeer  \nGroup=cybeer\n"
        "ReadWritePaths=/home/cybeer/rpi-controller\n"
    );
    CHECK(fits.refusal.empty());
    CHECK_FALSE(fits.changed);
}

TEST_CASE("A path of any name survives systemd's quoting and specifiers, one of two lines doesn't"
) {
    CHECK(handover::systemd_path("/a/b-c_d.e") == "/a/b-c_d.e");
    CHECK(handover::systemd_path("/a b") == "\"/a b\"");
    CHECK(handover::systemd_path("/a%b") == "/a%%b");
    CHECK(handover::systemd_path("/a\"b\\c'") == "\"/a\\\"b\\\\c'\"");
    CHECK_FALSE(drop_in_text({"u", "g", "/a\nUser=root"}, std::nullopt).refusal.empty());
    CHECK_FALSE(settings_text("", "/a\nb", same_text).refusal.empty());
}

TEST_CASE("A journal is put at the end of agent.toml, what stands there stays byte for byte") {
    for (const std::string old :
         {"", "central = \"https://c:1\"\n", "# only this", "name = 'a'  # mine\n\n\n"}) {
        CAPTURE(old);
        const auto now = settings_of(old);
        CHECK(now.refusal.empty());
        CHECK(now.changed);
        CHECK(now.text.starts_with(old));
        CHECK(now.text.ends_with(std::string("journal = \"") + journal + "\"\n"));
        const auto again = settings_of(now.text);
        CHECK_FALSE(again.changed);
        CHECK(again.text == now.text);
    }
    CHECK(settings_text(std::nullopt, journal, same_text).changed);
}

TEST_CASE("A journal that agent.toml names already, alone or in a list, changes nothing") {
    const std::string list = std::string("journal = [\"/other.db\", '") + journal + "']\n";
    CHECK_FALSE(settings_of(list).changed);
    CHECK(settings_of(list).text == list);
    const auto any_name = [](const std::string&, const std::string&) { return true; };
    CHECK_FALSE(settings_text("journal = \"link.db\"\n", journal, any_name).changed);
}

TEST_CASE("Where a line at the end won't do, the file is left alone and the line is told") {
    const auto other = settings_of("journal = \"/a \\\"b\\\".db\"\n");
    CHECK_FALSE(other.changed);
    CHECK(other.to_write == std::string("journal = [\"/a \\\"b\\\".db\", \"") + journal + "\"]\n");
    const auto section = settings_of("central = \"x\"\n[later]\nkey = 1\n");
    CHECK_FALSE(section.changed);
    CHECK(section.refusal.find("[section]") != std::string::npos);
    const auto empty = settings_of("journal = []\n");
    CHECK_FALSE(empty.changed);
    CHECK_FALSE(empty.refusal.empty());
    CHECK_THROWS_AS(settings_of("journal = \n"), Error);
}

}  // namespace tapline::test
