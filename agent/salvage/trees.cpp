#include "agent/salvage/trees.hpp"

#include <algorithm>
#include <optional>

#include "agent/salvage/btree.hpp"
#include "agent/salvage/record.hpp"

namespace tapline::salvage {

namespace {

struct Root {
    std::string type;
    std::string name;
    std::string table;
    PageNumber page = 0;
};

std::string text_of(const Value& value) {
    const auto* text = std::get_if<Text>(&value);
    return text == nullptr ? std::string() : text->bytes;
}

/// sqlite_schema: type, name, tbl_name, rootpage, sql.
std::optional<Root> to_root(const std::vector<Value>& values) {
    if (values.size() != 5) {
        return std::nullopt;
    }
    Root root{text_of(values[0]), text_of(values[1]), text_of(values[2]), 0};
    if (const auto* page = std::get_if<std::int64_t>(&values[3])) {
        root.page = *page > 0 && *page <= INT32_MAX ? static_cast<PageNumber>(*page) : 0;
    }
    const bool known = root.type == "table" || root.type == "index" || root.type == "view" ||
                       root.type == "trigger";
    return known && !root.name.empty() ? std::optional(root) : std::nullopt;
}

bool is_own(const std::string& name) {
    return name.starts_with("tapline_") || name.starts_with("sqlite_");
}

Role role_of(const Root& root) {
    const bool of_pours = root.table == "pours";
    if (root.name == "pours") {
        return Role::pours;
    }
    if (of_pours && root.name.starts_with("sqlite_autoindex_")) {
        return Role::pours_index;
    }
    return is_own(root.table) ? Role::own : Role::other;
}

class Mapper {
  public:
    explicit Mapper(Pages& pages) : pages_(pages) {
        trees_.roles.assign(std::size_t{pages.last_real()} + 1, Role::unknown);
    }

    Trees run() {
        walk(1, Role::own);
        const auto roots = read_schema();
        for (const auto& root : roots) {
            if (root.page != 0) {
                walk(root.page, role_of(root));
            }
            const bool pours = root.name == "pours" || root.name.starts_with("sqlite_autoindex_");
            if (!pours && !is_own(root.name)) {
                trees_.extras.push_back(root.type + " " + root.name);
            }
        }
        walk_free_list();
        return std::move(trees_);
    }

  private:
    void walk(PageNumber root, Role role) {
        std::vector<PageNumber> left{root};
        while (!left.empty()) {
            const auto number = left.back();
            left.pop_back();
            const bool there = pages_.read(number, page_);
            if (!there || number > pages_.last_real() || trees_.roles[number] != Role::unknown) {
                trees_.lost_pages += there ? 0 : 1;
                continue;
            }
            trees_.roles[number] = role;
            const auto kind = kind_of(page_, number);
            trees_.lost_pages += kind == PageKind::other ? 1 : 0;
            for (const auto child : children_of(page_, number)) {
                left.push_back(child);
            }
        }
    }

    /// Its pages are those that the walk from page 1 has marked.
    std::vector<Root> read_schema() {
        std::vector<Root> roots;
        for (PageNumber number = 1; number <= pages_.last_real(); ++number) {
            if (trees_.roles[number] != Role::own || !pages_.read(number, page_) ||
                kind_of(page_, number) != PageKind::table_leaf) {
                continue;
            }
            const auto page = page_;
            for (const auto& place : cells_of(page, number, PageKind::table_leaf)) {
                const auto cell =
                    read_cell(pages_, page, PageKind::table_leaf, place.at, Overflow::follow);
                const auto values = cell ? decode_record(cell->payload) : std::nullopt;
                const auto root = values && place.counted ? to_root(*values) : std::nullopt;
                if (root) {
                    roots.push_back(*root);
                }
            }
        }
        return roots;
    }

    /// Only what no tree leads to: a damaged list may name any page.
    void walk_free_list() {
        if (!pages_.read(1, page_)) {
            return;
        }
        auto trunk = big_endian_32(page_, 32);
        for (PageNumber steps = 0; trunk != 0 && steps < pages_.last_real(); ++steps) {
            if (trunk > pages_.last_real() || trees_.roles[trunk] != Role::unknown ||
                !pages_.read(trunk, page_)) {
                return;
            }
            trees_.roles[trunk] = Role::freed;
            const auto room = page_.size() / 4 - 2;
            const auto leaves = std::min<std::size_t>(big_endian_32(page_, 4), room);
            for (std::size_t i = 0; i < leaves; ++i) {
                const auto leaf = big_endian_32(page_, 8 + 4 * i);
                if (leaf <= pages_.last_real() && trees_.roles[leaf] == Role::unknown) {
                    trees_.roles[leaf] = Role::freed;
                }
            }
            trunk = big_endian_32(page_, 0);
        }
    }

    Pages& pages_;
    Trees trees_;
    std::vector<std::uint8_t> page_;
};

}  // namespace

Trees map_trees(Pages& pages) {
    return Mapper(pages).run();
}

}  // namespace tapline::salvage
