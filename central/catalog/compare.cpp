#include "central/catalog/compare.hpp"

#include <algorithm>
#include <string_view>

#include "central/catalog/normalise.hpp"
#include "common/row_hash.hpp"

namespace tapline::catalog {

namespace {

using Findings = std::map<std::string, Finding>;

/// Attributes whose value is SQL; all others are compared as they are.
bool is_sql(std::string_view attribute) noexcept {
    constexpr std::string_view names[] = {
        "definition",
        "default",
        "generated",
        "using",
        "with check",
        "arguments",
        "sql body",
        "partition key",
        "partition bound",
        "where",
    };
    // "constraint NAME" of a domain, "column NAME default" of a view, "where of TABLE" of a
    // publication.
    if (attribute.ends_with(" comment")) {
        return false;
    }
    return std::find(std::begin(names), std::end(names), attribute) != std::end(names) ||
           attribute.starts_with("constraint ") || attribute.starts_with("where of ") ||
           (attribute.starts_with("column ") && attribute.ends_with(" default"));
}

bool same_value(const std::string& attribute, const std::string& a, const std::string& b) {
    return a == b || (is_sql(attribute) && same_definition(a, b));
}

/// What `one` says and `other` doesn't say the same way.
Attributes difference(const Attributes& one, const Attributes& other) {
    Attributes left;
    for (const auto& [name, value] : one) {
        const auto there = other.find(name);
        if (there == other.end() || !same_value(name, value, there->second)) {
            left.emplace(name, value);
        }
    }
    return left;
}

Findings all_differences(const Objects& expected, const Objects& found) {
    Findings findings;
    for (const auto& [name, object] : expected) {
        const auto there = found.find(name);
        if (there == found.end()) {
            findings.emplace(name, Finding{name, Change::removed, object.attributes, {}, {}});
        } else if (object.attributes != there->second.attributes) {
            Finding finding{
                name,
                Change::changed,
                difference(object.attributes, there->second.attributes),
                difference(there->second.attributes, object.attributes),
                {}};
            if (!finding.expected.empty() || !finding.found.empty()) {
                findings.emplace(name, std::move(finding));
            }
        }
    }
    for (const auto& [name, object] : found) {
        if (!expected.contains(name)) {
            findings.emplace(name, Finding{name, Change::added, {}, object.attributes, {}});
        }
    }
    return findings;
}

std::set<std::string> attributes_of(const Finding& finding) {
    std::set<std::string> names;
    for (const auto& [name, value] : finding.expected) {
        names.insert(name);
    }
    for (const auto& [name, value] : finding.found) {
        names.insert(name);
    }
    return names;
}

/// Adding a table adds its columns; making a column an identity makes its sequence.
bool follows_from_container(const Findings& all, const Finding& finding, const Object& object) {
    const auto container = all.find(object.of);
    if (container == all.end() || finding.change == Change::changed) {
        return false;
    }
    if (container->second.change == finding.change) {
        return true;
    }
    return finding.object.starts_with("sequence ") && container->second.change == Change::changed &&
           attributes_of(container->second).contains("identity");
}

/// With lengths, so that no value can look like the next attribute.
void append(std::string& text, const std::string& name, const std::string& value) {
    text += std::to_string(name.size()) + ':' + name;
    text += std::to_string(value.size()) + ':' + value;
}

bool is_within(const Objects& objects, const Object& object, const std::string& container) {
    for (const std::string* of = &object.of; !of->empty();) {
        if (*of == container) {
            return true;
        }
        const auto next = objects.find(*of);
        if (next == objects.end()) {
            return false;
        }
        of = &next->second.of;
    }
    return false;
}

std::string parts_digest(const Objects& objects, const std::string& container) {
    std::string text;
    for (const auto& [name, object] : objects) {
        if (is_within(objects, object, container)) {
            append(text, name, std::to_string(object.attributes.size()));
            for (const auto& [attribute, value] : object.attributes) {
                append(text, attribute, value);
            }
        }
    }
    return text.empty() ? text : to_hex(sha256(text));
}

bool follows_from_parent(const Findings& all, const Finding& finding, const Object& object) {
    const auto parent = all.find(object.follows);
    if (parent == all.end() || parent->second.change != finding.change) {
        return false;
    }
    const std::set<std::string> said = attributes_of(parent->second);
    const std::set<std::string> names = attributes_of(finding);
    return finding.change != Change::changed ||
           std::includes(said.begin(), said.end(), names.begin(), names.end());
}

}  // namespace

std::string_view to_string(Change change) noexcept {
    switch (change) {
        case Change::added:
            return "added";
        case Change::removed:
            return "removed";
        case Change::changed:
            return "changed";
    }
    return "changed";
}

std::string digest(const Finding& finding) {
    std::string text(to_string(finding.change));
    for (const Attributes* attributes : {&finding.expected, &finding.found}) {
        text += '\n';
        for (const auto& [name, value] : *attributes) {
            append(text, name, value);
        }
    }
    text += finding.parts.empty() ? "" : '\n' + finding.parts;
    return to_hex(sha256(text));
}

bool is_comment_only(const Finding& finding) {
    const auto only = [](const Attributes& attributes) {
        return std::all_of(attributes.begin(), attributes.end(), [](const auto& each) {
            return each.first == "comment" || each.first.ends_with(" comment");
        });
    };
    return finding.change == Change::changed && only(finding.expected) && only(finding.found);
}

std::vector<Finding> compare(
    const Catalog& expected, const Catalog& found, const AcceptedDifferences& accepted
) {
    Findings all = all_differences(expected.objects, found.objects);
    std::vector<Finding> findings;
    for (auto& [name, finding] : all) {
        if (finding.change == Change::added) {
            finding.parts = parts_digest(found.objects, name);
        }
        const Objects& side = finding.change == Change::added ? found.objects : expected.objects;
        const Object& object = side.at(name);
        if (!follows_from_container(all, finding, object) &&
            !follows_from_parent(all, finding, object) &&
            !accepted.contains({name, digest(finding)})) {
            findings.push_back(finding);
        }
    }
    return findings;
}

std::size_t distance(const Catalog& expected, const Catalog& found) {
    return all_differences(expected.objects, found.objects).size();
}

}  // namespace tapline::catalog
