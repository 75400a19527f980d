#include <catch2/catch.hpp>

#include "agent/cli/tar_writer.hpp"

namespace tapline::test {

TEST_CASE("A tar archive is whole blocks of 512 bytes with two empty ones at its end") {
    for (const std::size_t bytes : {0U, 1U, 511U, 512U, 513U}) {
        std::string archive;
        cli::TarWriter tar([&archive](std::string_view piece) { archive += piece; }, 1'000'000'000);
        tar.add("a/b.txt", std::string(bytes, 'x'));
        tar.finish();
        CHECK(archive.size() == 512 + (bytes + 511) / 512 * 512 + 1024);
        CHECK(archive.substr(0, 8) == std::string("a/b.txt\0", 8));
        CHECK(
            archive.substr(257, 8) == std::string(
                                          "ustar\0"
                                          "00",
                                          8
                                      )
        );
        CHECK(archive.substr(archive.size() - 1024) == std::string(1024, '\0'));
    }
}

TEST_CASE("The longest name fits") {
    std::string archive;
    cli::TarWriter tar([&archive](std::string_view piece) { archive += piece; }, 0);
    const std::string name(cli::TarWriter::max_name_bytes, 'n');
    tar.add(name, "");
    CHECK(archive.substr(0, 100) == name + '\0');
}

}  // namespace tapline::test
