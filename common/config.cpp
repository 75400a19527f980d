#include "common/config.hpp"

#include <cstdlib>
#include <fstream>
#include <sstream>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <toml++/toml.h>

#include "common/error.hpp"

namespace tapline {

namespace {

constexpr std::uintmax_t max_config_bytes = std::uintmax_t{1024} * 1024;

Error config_error(const std::string& what, const std::string& hint) {
    return Error(ErrorKind::usage, "config", what, hint);
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

ConfigFile ConfigFile::read(const std::filesystem::path& path, bool required) {
    std::error_code failure;
    const auto bytes = std::filesystem::file_size(path, failure);
    if (failure) {
        if (!required && failure == std::errc::no_such_file_or_directory) {
            return parse("", path.string());
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
    return parse(text.str(), path.string());
}

ConfigFile ConfigFile::parse(std::string_view text, const std::string& name) {
    ConfigFile config;
    config.name_ = name;
    toml::table table;
    try {
        table = toml::parse(text, name);
    } catch (const toml::parse_error& failure) {
        throw config_error(
            fmt::format("{}:{}: {}", name, failure.source().begin.line, failure.description()),
            "correct the line; the file is TOML 1.0"
        );
    }
    const std::function<void(const toml::table&, const std::string&)> walk =
        [&](const toml::table& level, const std::string& prefix) {
            for (const auto& [key, node] : level) {
                const std::string path = prefix + std::string(key.str());
                Entry entry;
                entry.line = static_cast<int>(node.source().begin.line);
                if (const auto* inner = node.as_table()) {
                    walk(*inner, path + ".");
                    continue;
                }
                if (const auto* string = node.as_string()) {
                    entry.value = string->get();
                } else if (const auto* number = node.as_integer()) {
                    entry.value = number->get();
                } else if (const auto* flag = node.as_boolean()) {
                    entry.value = flag->get();
                } else if (const auto* array = node.as_array()) {
                    std::vector<std::string> items;
                    for (const auto& item : *array) {
                        const auto* item_text = item.as_string();
                        if (item_text == nullptr) {
                            throw config_error(
                                fmt::format(
                                    "{}:{}: {} must be a list of texts", name, entry.line, path
                                ),
                                "put each item in quotes"
                            );
                        }
                        items.push_back(item_text->get());
                    }
                    entry.value = std::move(items);
                } else {
                    throw config_error(
                        fmt::format(
                            "{}:{}: {} has a type that no setting takes", name, entry.line, path
                        ),
                        "use a text, a whole number, true or false, or a list of texts"
                    );
                }
                config.entries_.emplace(path, std::move(entry));
            }
        };
    walk(table, "");
    return config;
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

void ConfigFile::mistyped(const std::string& key, const Entry& entry, const std::string& expected)
    const {
    throw config_error(
        fmt::format("{}:{}: {} must be {}", name_, entry.line, key, expected), "correct the line"
    );
}

std::optional<std::string> ConfigFile::text(const std::string& key) {
    const auto* entry = find(key);
    if (entry == nullptr) {
        return std::nullopt;
    }
    const auto* value = std::get_if<std::string>(&entry->value);
    if (value == nullptr) {
        mistyped(key, *entry, "a text in quotes");
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

void ConfigFile::finish() const {
    for (const auto& [key, entry] : entries_) {
        if (!entry.used) {
            throw config_error(
                fmt::format("{}:{}: no setting has the name {}", name_, entry.line, key),
                hint_for(key)
            );
        }
    }
}

}  // namespace tapline
