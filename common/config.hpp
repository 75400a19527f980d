// Settings from a TOML file, the environment and flags; flag over environment over file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/error.hpp"

namespace tapline {

/// Reads a variable of the environment; tests pass their own.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;
[[nodiscard]] Environment process_environment();

/// One TOML file whose every key must be asked for. Wrong type, unknown key, bad syntax:
/// Error{usage, "config"} with file, line and what was expected.
class ConfigFile {
  public:
    /// A file that doesn't exist is an empty one unless `required`. At most 1 MiB is read.
    static ConfigFile read(const std::filesystem::path& path, bool required);
    static ConfigFile parse(std::string_view text, const std::string& name);
    /// What is wrong isn't thrown but put into `troubles`, which outlives this, and counts as not
    /// written: for verbs that look at a machine where something is wrong. At most 32 lines that
    /// aren't TOML are left out; with more of them the file counts as empty.
    static ConfigFile read_around(
        const std::filesystem::path& path, bool required, std::vector<Error>& troubles
    );

    /// key: "section.name" or "name". Each call marks the key as known.
    [[nodiscard]] std::optional<std::string> text(const std::string& key);
    [[nodiscard]] std::optional<std::int64_t> integer(
        const std::string& key, std::int64_t min, std::int64_t max
    );
    [[nodiscard]] std::optional<bool> boolean(const std::string& key);
    /// A string or an array of strings.
    [[nodiscard]] std::vector<std::string> texts(const std::string& key);

    /// Whether it stands in the file, whatever its value; doesn't mark it as known.
    [[nodiscard]] bool has(const std::string& key) const { return entries_.contains(key); }

    /// Throws when the file holds a key that nobody asked for.
    void finish();

  private:
    struct Entry {
        std::variant<std::string, std::int64_t, bool, std::vector<std::string>> value;
        int line = 0;
        bool used = false;
    };

    static std::string text_of(const std::filesystem::path& path, bool required);
    void take(std::string_view text);
    [[nodiscard]] Entry* find(const std::string& key);
    /// What may stand where `key` does.
    [[nodiscard]] std::string hint_for(const std::string& key) const;
    void mistyped(const std::string& key, const Entry& entry, const std::string& expected);
    /// Throws it, or keeps it.
    void tell(const std::string& what, const std::string& hint);

    std::string name_;
    std::vector<Error>* troubles_ = nullptr;
    std::map<std::string, Entry> entries_;
    std::set<std::string> asked_;
};

}  // namespace tapline
