#include "manager_book.hpp"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <algorithm>

namespace crash {

brood::Manager the_manager;

namespace {

using brood::detail::DictCopy;

// One process writes or reads at a time.
char buffer[200000];

bool read_line(const DictCopy::Item& item, Line& line) {
    const auto* const text = static_cast<const char*>(item.value);
    memcpy(&line.key, item.key, sizeof(line.key));
    line.bytes = item.value_bytes;
    line.letter = item.value_bytes != 0 ? text[0] : '\0';
    return item.key_bytes == sizeof(line.key) &&
           std::all_of(text, text + line.bytes, [&](char one) { return one == line.letter; });
}

Lines::iterator find(Lines& lines, std::uint32_t key) {
    return std::find_if(lines.begin(), lines.end(), [&](const Line& at) { return at.key == key; });
}

}  // namespace

brood::Status write(const Numbers& dict, const Line& line) {
    memset(buffer, line.letter, line.bytes);
    const brood::detail::DictHandle& bytes = dict;
    return bytes.set(Numbers::kType, &line.key, sizeof(line.key), buffer, line.bytes,
                     brood::Timeout::forever());
}

bool read(const Numbers& dict, Lines& lines) {
    const brood::detail::DictHandle& bytes = dict;
    const brood::Result<DictCopy> copy = bytes.copy(Numbers::kType, brood::Timeout::forever());
    if (!copy.ok()) { return false; }
    lines.clear();
    for (const unsigned char* at = copy->begin(); at != copy->end(); at = DictCopy::after(at)) {
        const DictCopy::Item item = DictCopy::item_at(at);
        if (memcmp(item.key, &kCounter, sizeof(kCounter)) == 0) { continue; }
        lines.emplace_back();
        if (!read_line(item, lines.back())) { return false; }
    }
    return true;
}

brood::Status count_up(const Numbers& dict) {
    return dict.update(kCounter, [](Value& value) {
        char text[16];
        snprintf(text, sizeof(text), "%d", value.empty() ? 0 : atoi(value.c_str()) + 1);
        value = Value::from(text).value_or(Value());
    });
}

int counted(const Numbers& dict) {
    const brood::Result<Value> value = dict.get(kCounter);
    return value.ok() ? atoi(value->c_str()) : -1;
}

void put(Lines& lines, const Line& line) {
    const auto found = find(lines, line.key);
    if (found == lines.end()) {
        lines.push_back(line);
    } else {
        *found = line;
    }
}

void take(Lines& lines, std::uint32_t key) {
    lines.erase(find(lines, key));
}

}  // namespace crash
