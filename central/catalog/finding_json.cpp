#include "central/catalog/finding_json.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace tapline::catalog {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t longest_shown = 400;

/// The attributes of one side; null for those that only the other side has.
Json side(const Attributes& own, const Attributes& other) {
    Json json = Json::object();
    for (const auto& [name, value] : own) {
        json[name] = value;
    }
    for (const auto& [name, value] : other) {
        if (!own.contains(name)) {
            json[name] = nullptr;
        }
    }
    return json;
}

std::string value_text(const Attributes& attributes, const std::string& name) {
    const auto found = attributes.find(name);
    if (found == attributes.end()) {
        return "(nothing)";
    }
    const std::string& value = found->second;
    return value.size() <= longest_shown ? value : value.substr(0, longest_shown) + " …";
}

}  // namespace

std::string findings_json(const std::vector<Finding>& findings) {
    Json list = Json::array();
    for (const Finding& finding : findings) {
        Json expected = side(finding.expected, finding.found);
        Json found = side(finding.found, finding.expected);
        if (finding.change == Change::added) {
            expected = nullptr;
        }
        if (finding.change == Change::removed) {
            found = nullptr;
        }
        list.push_back(
            {{"object", finding.object},
             {"kind", to_string(finding.change)},
             {"expected", std::move(expected)},
             {"found", std::move(found)}}
        );
    }
    return Json{{"findings", std::move(list)}}.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string findings_text(const std::vector<Finding>& findings) {
    std::string text;
    for (const Finding& finding : findings) {
        text += fmt::format("{:<8} {}\n", to_string(finding.change), finding.object);
        if (finding.change != Change::changed) {
            continue;
        }
        Attributes names = finding.expected;
        names.insert(finding.found.begin(), finding.found.end());
        for (const auto& [name, value] : names) {
            text += fmt::format(
                "         {}: expected {}\n         {:>{}}  found {}\n",
                name,
                value_text(finding.expected, name),
                "",
                name.size(),
                value_text(finding.found, name)
            );
        }
    }
    return text;
}

}  // namespace tapline::catalog
