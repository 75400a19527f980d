#include "common/config.hpp"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <toml++/toml.h>

#include "common/error.hpp"

namespace tapline {

namespace {

constexpr std::uintmax_t max_config_bytes = std::uintmax_t{1024} * 1024;
constexpr std::size_t max_lines_left_out = 32;

Error config_error(const std::string& what, const std::string& hint) {
    return Error(ErrorKind::usage, "config", what, hint);
}

using Value = std::variant<std::string, std::int64_t, bool, std::vector<std::string>>;

/// One key of the file; without a value: why it can't have this one, and what to write.
struct Found {
    std::string path;
    int line = 0;
    std::optional<Value> value;
    std::string wrong;
    std::string hint;
};

Found read_list(Found found, const toml::array& array) {
    std::vector<std::string> items;
    for (const auto& item : array) {
        const auto* text = item.as_string();
        if (text == nullptr) {
            found.wrong = "must be a list of texts";
            found.hint = "put each item in quotes";
            return found;
        }
        items.push_back(text->get());
    }
    found.value = std::move(items);
    return found;
}

Found read_value(Found found, const toml::node& node) {
    if (const auto* text = node.as_string()) {
        found.value = text->get();
    } else if (const auto* number = node.as_integer()) {
        found.value = number->get();
    } else if (const auto* flag = node.as_boolean()) {
        found.value = flag->get();
    } else if (const auto* array = node.as_array()) {
        return read_list(std::move(found), *array);
    } else {
        found.wrong = "has a type that no setting takes";
        found.hint = "use a text, a whole number, true or false, or a list of texts";
    }
    return found;
}

void gather(const toml::table& level, const std::string& prefix, std::vector<Found>& all) {
    for (const auto& [key, node] : level) {
        Found found;
        found.path = prefix + std::string(key.str());
        found.line = static_cast<int>(node.source().begin.line);
        if (const auto* inner = node.as_table()) {
            gather(*inner, found.path + ".", all);
        } else {
            all.push_back(read_value(std::move(found), node));
        }
    }
}

/// Empties this line (from 1), or the next one above that isn't empty: the end of the file is where
/// an open quote is noticed.
void leave_out(std::string& text, std::size_t line) {
    std::size_t last_begin = 0;
    std::size_t begin = 0;
    for (std::size_t number = 1; number <= line && begin < text.size(); ++number) {
        const auto end = std::min(text.find('\n', begin), text.size());
        if (end > begin) {
            last_begin = begin;
        }
        begin = end + 1;
    }
    text.erase(last_begin, std::min(text.find('\n', last_begin), text.size()) - last_begin);
}

}  // namespace

Environment process_environment() {
    return [](const std::string& name) -> std::optional<std::string> {
        const char* value = std::getenv(name.c_str());
        if (value == nullptr) {
            return std::nullopt;
        }
        return std::string(value);
    };
}

std::string ConfigFile::text_of(const std::filesystem::path& path, bool required) {
    std::error_code failure;
    const auto bytes = std::filesystem::file_size(path, failure);
    if (failure) {
        if (!required && failure == std::errc::no_such_file_or_directory) {
            return "";
        }
        throw config_error(
            fmt::format("cannot read the configuration {}: {}", path.string(), failure.message()),
            "check the path and who may read it"
        );
    }
    if (bytes > max_config_bytes) {
        throw config_error(
            fmt::format("{} is {} bytes; a configuration has at most 1 MiB", path.string(), bytes),
            "is this the right file?"
        );
    }
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    if (!file) {
        throw config_error(
            fmt::format("cannot read the configuration {}", path.string()), "check who may read it"
        );
    }
    return text.str();
}

ConfigFile ConfigFile::read(const std::filesystem::path& path, bool required) {
    return parse(text_of(path, required), path.string());
}

ConfigFile ConfigFile::parse(std::string_view text, const std::string& name) {
    ConfigFile config;
    config.name_ = name;
    config.take(text);
    return config;
}

ConfigFile ConfigFile::read_around(
    const std::filesystem::path& path, bool required, std::vector<Error>& troubles
) {
    ConfigFile config;
    config.name_ = path.string();
    config.troubles_ = &troubles;
    try {
        config.take(text_of(path, required));
    } catch (const Error& unreadable) {
        troubles.push_back(unreadable);
    }
    return config;
}

void ConfigFile::tell(const std::string& what, const std::string& hint) {
    const auto trouble = config_error(what, hint);
    if (troubles_ == nullptr) {
        throw trouble;
    }
    troubles_->push_back(trouble);
}

void ConfigFile::take(std::string_view text) {
    std::string rest(text);
    std::optional<std::vector<Found>> all;
    for (std::size_t left_out = 0; !all && left_out <= max_lines_left_out; ++left_out) {
        try {
            const toml::table table = toml::parse(rest, name_);
            gather(table, "", all.emplace());
        } catch (const toml::parse_error& failure) {
            const std::size_t line = failure.source().begin.line;
            tell(
                fmt::format("{}:{}: {}", name_, line, failure.description()),
                "correct the line; the file is TOML 1.0"
            );
            leave_out(rest, line);
        }
    }
    for (auto& found : all.value_or(std::vector<Found>{})) {
        if (!found.value) {
            tell(
                fmt::format("{}:{}: {} {}", name_, found.line, found.path, found.wrong), found.hint
            );
            continue;
        }
        Entry entry;
        entry.line = found.line;
        entry.value = *std::move(found.value);
        entries_.emplace(std::move(found.path), std::move(entry));
    }
}

ConfigFile::Entry* ConfigFile::find(const std::string& key) {
    asked_.insert(key);
    const auto found = entries_.find(key);
    if (found == entries_.end()) {
        return nullptr;
    }
    found->second.used = true;
    return &found->second;
}

void ConfigFile::mistyped(const std::string& key, const Entry& entry, const std::string& expected) {
    tell(fmt::format("{}:{}: {} must be {}", name_, entry.line, key, expected), "correct the line");
}

std::optional<std::string> ConfigFile::text(const std::string& key) {
    const auto* entry = find(key);
    if (entry == nullptr) {
        return std::nullopt;
    }
    const auto* value = std::get_if<std::string>(&entry->value);
    if (value == nullptr) {
        mistyped(key, *entry, "a text in quotes");
        return std::nullopt;
    }
    return *value;
}

std::optional<std::int64_t> ConfigFile::integer(
    const std::string& key, std::int64_t min, std::int64_t max
) {
    const auto* entry = find(key);
    if (entry == nullptr) {
        return std::nullopt;
    }
    const auto* value = std::get_if<std::int64_t>(&entry->value);
    if (value == nullptr || *value < min || *value > max) {
        mistyped(key, *entry, fmt::format("a whole number from {} to {}", min, max));
        return std::nullopt;
    }
    return *value;
}

std::optional<bool> ConfigFile::boolean(const std::string& key) {
    const auto* entry = find(key);
    if (entry == nullptr) {
        return std::nullopt;
    }
    const auto* value = std::get_if<bool>(&entry->value);
    if (value == nullptr) {
        mistyped(key, *entry, "true or false");
        return std::nullopt;
    }
    return *value;
}

std::vector<std::string> ConfigFile::texts(const std::string& key) {
    const auto* entry = find(key);
    if (entry == nullptr) {
        return {};
    }
    if (const auto* one = std::get_if<std::string>(&entry->value)) {
        return {*one};
    }
    const auto* many = std::get_if<std::vector<std::string>>(&entry->value);
    if (many == nullptr) {
        mistyped(key, *entry, "a text or a list of texts");
        return {};
    }
    return *many;
}

std::string ConfigFile::hint_for(const std::string& key) const {
    const std::string table = key.substr(0, key.find('.') + 1);  // with its dot; empty at the top
    std::set<std::string> here;
    std::set<std::string> top;
    for (const std::string& each : asked_) {
        const std::size_t dot = each.find('.');
        if (!table.empty() && each.starts_with(table)) {
            here.insert(each.substr(table.size()));
        }
        top.insert(dot == std::string::npos ? each : fmt::format("[{}]", each.substr(0, dot)));
    }
    return here.empty()
               ? fmt::format(
                     "remove it or correct the spelling; there are {}", fmt::join(top, ", ")
                 )
               : fmt::format(
                     "remove it or correct the spelling; [{}] has {}",
                     table.substr(0, table.size() - 1),
                     fmt::join(here, ", ")
                 );
}

void ConfigFile::finish() {
    for (const auto& [key, entry] : entries_) {
        if (!entry.used) {
            tell(
                fmt::format("{}:{}: no setting has the name {}", name_, entry.line, key),
                hint_for(key)
            );
        }
    }
}

}  // namespace tapline
