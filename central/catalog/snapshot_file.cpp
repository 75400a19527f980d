#include "central/catalog/snapshot_file.hpp"

#include <algorithm>
#include <fstream>
#include <sstream>

#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "central/catalog/embedded_snapshots.hpp"
#include "common/error.hpp"

namespace tapline::catalog {

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;
// For reading: an ordered_json looks through all its members at each new one.
using ReadJson = nlohmann::json;

// Attributes never have these names.
constexpr const char* of_key = "of";
constexpr const char* follows_key = "follows";

[[noreturn]] void bad_snapshot(const std::string& source, const std::string& why) {
    throw Error(
        ErrorKind::usage,
        "snapshot",
        fmt::format("{} can't be used as a snapshot: {}", source, why),
        "make it again with `tapline-central snapshot`"
    );
}

std::string line_of(const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json object_json(const std::string& name, const Object& object) {
    Json json = Json::object();
    // A column says in its own name what it is a part of.
    if (!object.of.empty() && !name.starts_with(object.of + " ")) {
        json[of_key] = object.of;
    }
    if (!object.follows.empty()) {
        json[follows_key] = object.follows;
    }
    for (const auto& [attribute, value] : object.attributes) {
        json[attribute] = value;
    }
    return json;
}

/// "table pours column x" is a part of "table pours".
std::string container_of(const Objects& objects, const std::string& name) {
    for (std::size_t at = name.rfind(' '); at != std::string::npos && at > 0;
         at = name.rfind(' ', at - 1)) {
        std::string start = name.substr(0, at);
        if (objects.contains(start)) {
            return start;
        }
    }
    return {};
}

Object parse_object(const ReadJson& json, const std::string& source) {
    if (!json.is_object()) {
        bad_snapshot(source, "an object isn't a JSON object");
    }
    Object object;
    for (const auto& [name, value] : json.items()) {
        if (!value.is_string()) {
            bad_snapshot(source, fmt::format("attribute {} isn't a text", name));
        }
        std::string& slot = name == of_key        ? object.of
                            : name == follows_key ? object.follows
                                                  : object.attributes[name];
        slot = value.get<std::string>();
    }
    return object;
}

std::string read_file(const fs::path& file) {
    std::error_code error;
    const auto size = fs::file_size(file, error);
    if (error || size > max_snapshot_bytes) {
        bad_snapshot(file.string(), error ? error.message() : fmt::format("it has {} bytes", size));
    }
    std::ifstream in(file, std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    if (!in || !text) {
        bad_snapshot(file.string(), "it can't be read");
    }
    return text.str();
}

[[noreturn]] void cant_write(const fs::path& file) {
    throw Error(
        ErrorKind::storage,
        "snapshot_write",
        fmt::format(
            "{} can't be written: {}", file.string(), std::generic_category().message(errno)
        ),
        "check the directory's owner and free space"
    );
}

void write_synced(const fs::path& file, const std::string& text) {
    const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0) {
        cant_write(file);
    }
    std::size_t done = 0;
    while (done < text.size()) {
        const ssize_t written = ::write(fd, text.data() + done, text.size() - done);
        if (written < 0) {
            ::close(fd);
            cant_write(file);
        }
        done += static_cast<std::size_t>(written);
    }
    const bool synced = ::fsync(fd) == 0;
    if (::close(fd) != 0 || !synced) {
        cant_write(file);
    }
}

}  // namespace

std::string snapshot_text(const Snapshot& snapshot) {
    std::string text = fmt::format(
        "{{\n\"format\": {},\n\"lineage\": {},\n\"heads\": {},\n\"server_major\": {},\n"
        "\"objects\": {{\n",
        snapshot_format,
        line_of(snapshot.lineage),
        line_of(snapshot.heads),
        snapshot.catalog.server_major
    );
    std::string_view gap;
    for (const auto& [name, object] : snapshot.catalog.objects) {
        text += fmt::format("{}{}: {}", gap, line_of(name), line_of(object_json(name, object)));
        gap = ",\n";
    }
    return text + "\n}\n}\n";
}

Snapshot parse_snapshot(std::string_view text, const std::string& source) {
    if (text.size() > max_snapshot_bytes) {
        bad_snapshot(source, fmt::format("it has {} bytes", text.size()));
    }
    const ReadJson json = ReadJson::parse(text, nullptr, false);
    if (json.is_discarded() || !json.is_object()) {
        bad_snapshot(source, "it isn't a JSON object");
    }
    const auto member = [&](const char* name,
                            bool (ReadJson::*is)() const noexcept) -> const ReadJson& {
        const auto found = json.find(name);
        if (found == json.end() || !((*found).*is)()) {
            bad_snapshot(source, fmt::format("\"{}\" is missing or of another type", name));
        }
        return *found;
    };
    if (member("format", &ReadJson::is_number_integer) != snapshot_format) {
        bad_snapshot(source, "its format is of another release");
    }
    Snapshot snapshot;
    snapshot.lineage = member("lineage", &ReadJson::is_string).get<std::string>();
    for (const ReadJson& head : member("heads", &ReadJson::is_array)) {
        snapshot.heads.push_back(head.is_string() ? head.get<std::string>() : std::string());
    }
    snapshot.catalog.server_major = member("server_major", &ReadJson::is_number_integer).get<int>();
    Objects& objects = snapshot.catalog.objects;
    for (const auto& [name, object] : member("objects", &ReadJson::is_object).items()) {
        objects.emplace(name, parse_object(object, source));
    }
    for (auto& [name, object] : objects) {
        if (object.of.empty()) {
            object.of = container_of(objects, name);
        }
    }
    return snapshot;
}

std::string snapshot_file_name(const std::vector<std::string>& heads) {
    std::vector<std::string> sorted = heads;
    std::sort(sorted.begin(), sorted.end());
    return fmt::format("{}.json", fmt::join(sorted, "+"));
}

fs::path snapshot_directory(const fs::path& directory, revision::LineageName lineage) {
    const fs::path own = directory / revision::to_string(lineage);
    return (fs::is_directory(own) ? own : directory) / "snapshots";
}

std::optional<Snapshot> find_snapshot(
    const std::optional<fs::path>& directory,
    revision::LineageName lineage,
    const std::vector<std::string>& heads
) {
    const std::string name = snapshot_file_name(heads);
    const auto has_other = [&directory] {
        return fs::is_directory(*directory / "app") || fs::is_directory(*directory / "tapline");
    };
    if (directory &&
        (fs::is_directory(*directory / revision::to_string(lineage)) || !has_other())) {
        const fs::path file = snapshot_directory(*directory, lineage) / name;
        return fs::exists(file) ? std::optional(parse_snapshot(read_file(file), file.string()))
                                : std::nullopt;
    }
    for (const revision::EmbeddedFile& file : embedded_snapshots(lineage)) {
        if (file.name == name) {
            return parse_snapshot(file.body, fmt::format("the built-in {}", name));
        }
    }
    return std::nullopt;
}

void write_snapshot(const fs::path& file, const Snapshot& snapshot) {
    std::error_code error;
    fs::create_directories(file.parent_path(), error);
    const fs::path fresh = file.string() + ".new";
    write_synced(fresh, snapshot_text(snapshot));
    if (::rename(fresh.c_str(), file.c_str()) != 0) {
        cant_write(file);
    }
}

}  // namespace tapline::catalog
