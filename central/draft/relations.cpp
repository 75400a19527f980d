// Constraints, indexes and sequences, made anew.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "central/draft/builder.hpp"
#include "central/draft/options.hpp"

namespace tapline::draft {

namespace {

std::string with_properties(Builder& builder, const std::string& sql, const std::string& object) {
    const std::string said = properties(builder, object);
    return said.empty() ? sql : sql + "\n" + said;
}

/// The definition with what pg_get_constraintdef leaves to the index.
std::string full_key(const KeyText& key, const catalog::Attributes& is) {
    std::string sql = key.primary ? "PRIMARY KEY " : "UNIQUE ";
    sql += (key.nulls_not_distinct ? "NULLS NOT DISTINCT " : "") + key.columns + key.include;
    if (is.contains("options")) {
        sql += " WITH (" + storage_options(value_of(is, "options")) + ")";
    }
    if (is.contains("tablespace")) {
        sql += " USING INDEX TABLESPACE " + identifier(value_of(is, "tablespace"));
    }
    return sql + key.timing;
}

std::string add_sql(const Word& word, const std::string& definition) {
    return fmt::format(
        "ALTER TABLE {} ADD CONSTRAINT {} {};", word.sql(), identifier(word.part), definition
    );
}

/// Every column of the key is NOT NULL in the table that exists.
bool is_never_null(Builder& builder, const Word& word, const std::string& columns) {
    const auto& objects = builder.sides.head.objects;
    for (const std::string& each : split_list(columns.substr(1, columns.size() - 2))) {
        bool found = false;
        for (const auto& [key, object] : objects) {
            const Word column = object.of == word.whole() ? read_word(key) : Word{};
            found = found || (column.part_kind == "column" && identifier(column.part) == each &&
                              object.attributes.contains("not null"));
        }
        if (!found) {
            return false;
        }
    }
    return true;
}

/// A key of a table that exists: its index is built concurrently, then it takes that.
void add_key(Builder& builder, const std::string& object, const KeyText& key) {
    const Word word = read_word(object);
    const catalog::Attributes& is = builder.wanted(object).attributes;
    const auto table = builder.sides.head.objects.find(word.whole());
    const bool partitioned = table != builder.sides.head.objects.end() &&
                             table->second.attributes.contains("partition key");
    if (partitioned || (key.primary && !is_never_null(builder, word, key.columns))) {
        builder.propose(
            object,
            add_sql(word, full_key(key, is)),
            drop_sql(object),
            partitioned ? "it is new on a partitioned table, where no index is built concurrently: "
                          "build one "
                          "on each partition and attach it, or choose a quiet hour"
                        : "it is new, and a column of it may be NULL: decide how the rows that are "
                          "there get "
                          "values, then build its index CONCURRENTLY and add the key USING INDEX"
        );
        return;
    }
    std::string index = fmt::format(
        "CREATE UNIQUE INDEX CONCURRENTLY {} ON {} {}{}{}",
        identifier(word.part),
        word.sql(),
        key.columns,
        key.include,
        key.nulls_not_distinct ? " NULLS NOT DISTINCT" : ""
    );
    if (is.contains("options")) {
        index += " WITH (" + storage_options(value_of(is, "options")) + ")";
    }
    if (is.contains("tablespace")) {
        index += " TABLESPACE " + identifier(value_of(is, "tablespace"));
    }
    Item built{.object = object, .stage = Stage::indexes, .rank = Rank::index};
    built.up = index + ";";
    built.down = fmt::format(
        "DROP INDEX CONCURRENTLY {}.{};", identifier(word.schema), identifier(word.part)
    );
    builder.put(std::move(built));
    Item item{.object = object, .stage = Stage::keys, .rank = Rank::key};
    const std::string definition = fmt::format(
        "{} USING INDEX {}{}",
        key.primary ? "PRIMARY KEY" : "UNIQUE",
        identifier(word.part),
        key.timing
    );
    item.up = with_properties(builder, add_sql(word, definition), object);
    // The index goes with the constraint, and the file below this one expects it.
    constexpr std::string_view why =
        "PostgreSQL drops the index with its constraint; the revision below this one expects it";
    index.erase(index.find(" CONCURRENTLY"), std::string_view(" CONCURRENTLY").size());
    item.down = fmt::format(
        "{0}\n-- tapline: allow blocks_writes: {1}\n-- tapline: allow slow_work_under_lock: "
        "{1}\n{2};",
        drop_sql(object),
        why,
        index
    );
    builder.put(std::move(item));
}

std::string referenced_table(const std::string& definition) {
    const std::size_t at = definition.find(" REFERENCES ");
    return at == std::string::npos ? std::string() : definition.substr(at + 12);
}

/// What is said of an index by statements of its own, each after a line end.
std::string index_settings(Builder& builder, const std::string& object) {
    const Word word = read_word(object);
    const catalog::Object& index = builder.wanted(object);
    const catalog::Attributes& is = index.attributes;
    const Word table = read_word(index.of);
    const std::string head = fmt::format("\nALTER TABLE {} ", table.sql());
    std::string sql;
    if (is.contains("clustered")) {
        sql += head + "CLUSTER ON " + identifier(word.name) + ";";
    }
    const auto relation = builder.sides.wanted.objects.find(index.of);
    const bool fresh = !builder.sides.head.objects.contains(index.of);
    if (fresh && relation != builder.sides.wanted.objects.end() &&
        value_of(relation->second.attributes, "replica identity") == "index " + word.name) {
        sql += head + "REPLICA IDENTITY USING INDEX " + identifier(word.name) + ";";
    }
    for (const std::string& each : split_list(value_of(is, "statistics"))) {
        const std::size_t colon = each.find(": ");
        sql += fmt::format(
            "\nALTER INDEX {} ALTER COLUMN {} SET STATISTICS {};",
            word.sql(),
            each.substr(0, colon),
            each.substr(colon + 2)
        );
    }
    return sql;
}

}  // namespace

std::string sequence_options(const catalog::Attributes& is, bool with_type) {
    const std::string type = value_of(is, "type");
    const std::string increment = value_of(is, "increment");
    const bool down = increment.starts_with('-');
    const std::string highest = type == "smallint"  ? "32767"
                                : type == "integer" ? "2147483647"
                                                    : "9223372036854775807";
    const std::string lowest = type == "smallint"  ? "-32768"
                               : type == "integer" ? "-2147483648"
                                                   : "-9223372036854775808";
    std::string sql = with_type && type != "bigint" ? "AS " + type : "";
    const auto word = [&](const char* name, const std::string& value, const std::string& usual) {
        if (value != usual && !value.empty()) {
            sql += fmt::format("{}{} {}", sql.empty() ? "" : " ", name, value);
        }
    };
    const std::string minimum = value_of(is, "minimum");
    const std::string maximum = value_of(is, "maximum");
    word("START WITH", value_of(is, "start"), down ? maximum : minimum);
    word("INCREMENT BY", increment, "1");
    word("MINVALUE", minimum, down ? lowest : "1");
    word("MAXVALUE", maximum, down ? "-1" : highest);
    word("CACHE", value_of(is, "cache"), "1");
    if (is.contains("cycle")) {
        sql += sql.empty() ? "CYCLE" : " CYCLE";
    }
    return sql;
}

void add_sequence(Builder& builder, const std::string& object) {
    const Word word = read_word(object);
    const catalog::Attributes& is = builder.wanted(object).attributes;
    const std::string options = sequence_options(is, true);
    const bool unlogged = is.contains("persistence");
    Item item{.object = object, .rank = Rank::sequence};
    item.up = fmt::format(
        "CREATE {}SEQUENCE {}{}{};",
        unlogged ? "UNLOGGED " : "",
        word.sql(),
        options.empty() ? "" : " ",
        options
    );
    item.up = with_properties(builder, item.up, object);
    item.down = drop_sql(object);
    item.provides.insert({word.schema, word.name});
    builder.put(std::move(item));
    if (is.contains("owned by")) {
        Item owned{.object = object, .rank = Rank::ownership};
        owned.up =
            fmt::format("ALTER SEQUENCE {} OWNED BY {};", word.sql(), value_of(is, "owned by"));
        owned.down = fmt::format("ALTER SEQUENCE {} OWNED BY NONE;", word.sql());
        builder.put(std::move(owned));
    }
}

void add_constraint(Builder& builder, const std::string& object) {
    const Word word = read_word(object);
    const catalog::Object& constraint = builder.wanted(object);
    const catalog::Attributes& is = constraint.attributes;
    const std::string definition = value_of(is, "definition");
    const bool fresh = builder.is_new(word);
    if (fresh && !constraint.follows.empty()) {
        return;  // its parent table brings it along
    }
    if (definition.starts_with("TRIGGER")) {
        return;  // the trigger is said as a trigger
    }
    KeyText key;
    if (read_key(definition, key) && !fresh) {
        add_key(builder, object, key);
        return;
    }
    const bool reference = definition.starts_with("FOREIGN KEY");
    const std::string target =
        reference ? read_word("table " + referenced_table(definition)).whole() : std::string();
    const auto table = builder.sides.wanted.objects.find(word.whole());
    if (reference && !fresh && table != builder.sides.wanted.objects.end() &&
        table->second.attributes.contains("partition key")) {
        builder.propose(
            object,
            add_sql(word, definition),
            drop_sql(object),
            "it is new on a partitioned table, which takes no foreign key NOT VALID, so every row "
            "is "
            "looked up while nobody can write: add it NOT VALID to each partition and validate it "
            "there first, or choose a quiet hour"
        );
        return;
    }
    const bool late = reference && builder.gets_keys(target);
    const bool check = definition.starts_with("CHECK");
    Item item{.object = object, .rank = reference ? Rank::reference : Rank::key};
    item.stage = late ? Stage::keys : Stage::main;
    item.container = fresh && (!reference || target == word.whole()) ? word.whole() : "";
    item.down = drop_sql(object);
    const bool two_steps =
        (reference || check) && (!fresh || late) && !definition.ends_with(" NOT VALID");
    item.up = add_sql(
        word, key.columns.empty() ? definition + (two_steps ? " NOT VALID" : "") : full_key(key, is)
    );
    const std::string unvalidated = item.up;
    item.up = with_properties(builder, item.up, object);
    builder.put(std::move(item));
    if (two_steps) {
        Item valid{.object = object, .stage = Stage::validation, .rank = Rank::key};
        valid.up = fmt::format(
            "ALTER TABLE {} VALIDATE CONSTRAINT {};", word.sql(), identifier(word.part)
        );
        valid.down = with_properties(builder, drop_sql(object) + "\n" + unvalidated, object);
        builder.put(std::move(valid));
    }
}

void add_index(Builder& builder, const std::string& object) {
    const Word word = read_word(object);
    const catalog::Object& index = builder.wanted(object);
    const catalog::Attributes& is = index.attributes;
    std::string definition = value_of(is, "definition");
    const bool fresh = !builder.sides.head.objects.contains(index.of);
    Item item{.object = object, .stage = fresh ? Stage::main : Stage::indexes, .rank = Rank::index};
    if (is.contains("tablespace")) {
        definition.insert(
            std::min(definition.find(" WHERE ("), definition.size()),
            " TABLESPACE " + identifier(value_of(is, "tablespace"))
        );
    }
    if (fresh) {
        item.container = index.of;
        item.down = drop_sql(object);
    } else {
        item.down = fmt::format("DROP INDEX CONCURRENTLY {};", word.sql());
    }
    if (!fresh && definition.find(" ON ONLY ") != std::string::npos) {
        builder.propose(
            object,
            definition + ";",
            drop_sql(object),
            "it is new on a partitioned table, where no index is built concurrently: this makes it "
            "on the "
            "parent alone; build it CONCURRENTLY on each partition, then ALTER INDEX … ATTACH "
            "PARTITION"
        );
        return;
    }
    if (!fresh) {
        const std::size_t at = definition.find("INDEX ");
        definition.insert(at + 6, "CONCURRENTLY ");
    }
    item.up = definition + ";";
    const std::string said = properties(builder, object);
    const std::string settings = index_settings(builder, object);
    if (fresh) {
        item.up += (said.empty() ? "" : "\n" + said) + settings;
    } else if (!said.empty()) {
        // What transaction=off doesn't take comes in the file after it.
        Item later{.object = object, .stage = Stage::keys, .rank = Rank::property, .up = said};
        later.down = fmt::format("COMMENT ON INDEX {} IS NULL;", word.sql());
        builder.put(std::move(later));
    }
    if (!fresh && !settings.empty()) {
        builder.propose(
            object,
            settings.substr(1),
            "",
            "a setting of the table or of the statistics on its columns: decide whether it is meant"
        );
    }
    item.provides.insert({word.schema, word.name});
    builder.put(std::move(item));
}

}  // namespace tapline::draft
