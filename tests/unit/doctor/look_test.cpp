#include "agent/doctor/look.hpp"

#include <cstdlib>
#include <fstream>

#include <catch2/catch.hpp>
#include <fmt/format.h>

namespace tapline::test {

namespace {

namespace fs = std::filesystem;

/// A planted /proc and /sys.
class Tree {
  public:
    Tree() {
        std::string name = (fs::temp_directory_path() / "tapline-look-XXXXXX").string();
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        root_ = name;
    }

    ~Tree() { fs::remove_all(root_); }

    Tree(const Tree&) = delete;
    Tree& operator=(const Tree&) = delete;

    void plant(const std::string& path, const std::string& text) const {
        fs::create_directories((root_ / path).parent_path());
        std::ofstream(root_ / path, std::ios::binary) << text;
    }

    [[nodiscard]] doctor::Look look() const { return doctor::Look(root_); }

  private:
    fs::path root_;
};

}  // namespace

TEST_CASE("A process is named without its options: they may hold a password") {
    const Tree tree;
    const auto plant = [&tree](const std::string& words) { tree.plant("proc/12/cmdline", words); };
    plant(std::string("python3\0/opt/tap/main.py\0--password\0x\0", 38));
    CHECK(tree.look().process(12) == "process 12 (python3 /opt/tap/main.py)");
    plant(std::string("sqlite3\0--password=x\0", 21));
    CHECK(tree.look().process(12) == "process 12 (sqlite3)");
    plant(std::string("psql\0postgresql://a:b@c\0", 24));
    CHECK(tree.look().process(12) == "process 12 (psql)");
    plant("");
    CHECK(tree.look().process(12) == "process 12");
    CHECK(tree.look().process(13) == "process 13");
}

TEST_CASE("A directory of the kernel is read up to a limit") {
    const Tree tree;
    for (int i = 0; i < 70; ++i) {
        tree.plant(fmt::format("sys/class/thermal/zone{}/temp", i), "1\n");
    }
    CHECK(tree.look().each("/sys/class/thermal", "temp").size() == 64);
    tree.plant("proc/meminfo", std::string(100'000, 'x'));
    CHECK(tree.look().text("/proc/meminfo")->size() == 64 * 1024);
    CHECK_FALSE(tree.look().text("/proc/nowhere"));
}

TEST_CASE("A number of the kernel may be decimal, hexadecimal or no number") {
    const Tree tree;
    tree.plant("a", "0x50005\n");
    tree.plant("b", "42 C\n");
    tree.plant("c", "max\n");
    CHECK(tree.look().number("/a") == 0x50005);
    CHECK(tree.look().number("/b") == 42);
    CHECK_FALSE(tree.look().number("/c"));
}

}  // namespace tapline::test
