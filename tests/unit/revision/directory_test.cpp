#include "common/revision/directory.hpp"

#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include <unistd.h>

#include <catch2/catch.hpp>

#include "tests/unit/revision/sample.hpp"

using namespace tapline;
using namespace tapline::revision;
namespace fs = std::filesystem;

namespace {

class Folder {
  public:
    Folder() : path_(fs::temp_directory_path() / fmt::format("tapline-revisions-{}", ::getpid())) {
        fs::create_directories(path_);
    }

    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;

    ~Folder() {
        std::error_code ignored;
        fs::remove_all(path_, ignored);
    }

    void write(const std::string& name, std::string_view bytes) const {
        std::ofstream(path_ / name, std::ios::binary) << bytes;
    }

    [[nodiscard]] const fs::path& path() const { return path_; }

  private:
    fs::path path_;
};

}  // namespace

TEST_CASE("A directory gives its SQL files by name, byte for byte") {
    const Folder folder;
    folder.write("bbbb.sql", "b\r\n");
    folder.write("aaaa_first.sql", std::string_view("a\0", 2));
    folder.write(".hidden.sql", "x");
    folder.write("notes.txt", "x");
    fs::create_directory(folder.path() / "snapshots.sql");
    const auto files = read_directory(folder.path());
    REQUIRE(files.size() == 2);
    CHECK(files[0].name == "aaaa_first.sql");
    CHECK(files[0].bytes == std::string("a\0", 2));
    CHECK(files[1].bytes == "b\r\n");
}

TEST_CASE("A directory that can't be read is named") {
    const auto error = sample::error_of([] { return read_directory("/nonexistent/revisions"); });
    REQUIRE(error);
    CHECK(error->code() == "revision_directory");
    CHECK(std::string(error->what()).find("/nonexistent/revisions") != std::string::npos);
    const Folder folder;
    folder.write("aaaa.sql", std::string(max_file_bytes + 1, ' '));
    CHECK(sample::code_of([&] { return read_directory(folder.path()); }) == "revision_directory");
}

TEST_CASE("Files become a lineage, from disk or from the program") {
    const SourceFile file = sample::file("SELECT 1;");
    const EmbeddedFile embedded[] = {{file.name, file.bytes}};
    const Lineage lineage = load(from_embedded(embedded), Dialect::sqlite);
    CHECK(lineage.heads() == std::vector<std::string>{"abcd"});
    CHECK(lineage.at("abcd").dialect == Dialect::sqlite);
    const Folder folder;
    folder.write(file.name, file.bytes);
    CHECK(load(read_directory(folder.path()), Dialect::postgres).heads() == lineage.heads());
}

TEST_CASE("The examples of docs/revision-file.md parse") {
    std::ifstream page(fs::path(TAPLINE_SOURCE) / "docs" / "revision-file.md");
    std::string heading;
    std::map<std::string, std::string> examples;
    for (std::string line; std::getline(page, line);) {
        heading = line.starts_with("## ") ? line.substr(3) : heading;
        examples[heading] += line.starts_with("    ") ? line.substr(4) + "\n" : "\n";
    }
    CHECK(
        parse({"gen8_tail.sql", examples["SQLite"]}, Dialect::sqlite).upgrade.statements.size() == 1
    );
    const SourceFile rebuilt{"j0007_notes.sql", examples["SQLite, a rebuilt table"]};
    CHECK(parse(rebuilt, Dialect::sqlite).upgrade.rebuilds.size() == 1);
    const Revision note = parse({"t0007_notes.sql", examples["PostgreSQL"]}, Dialect::postgres);
    CHECK(note.upgrade.batches.size() == 1);
}

TEST_CASE("The lineages of this repository load and have one head each") {
    const fs::path migrations = fs::path(TAPLINE_SOURCE) / "migrations";
    const Lineage journal = load(read_directory(migrations / "sqlite"), Dialect::sqlite);
    CHECK(journal.heads().size() == 1);
    const Lineage app = load(read_directory(migrations / "postgres/app"), Dialect::postgres);
    IdSet ids;
    for (const Revision& revision : app.revisions()) {
        ids.insert(revision.id);
    }
    CHECK(app.heads().size() == 1);
    const auto ours = read_directory(migrations / "postgres/tapline");
    CHECK(load(ours, Dialect::postgres, ids).heads().size() == 1);
}
