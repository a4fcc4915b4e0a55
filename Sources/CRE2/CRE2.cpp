#include "CRE2.h"

#include <re2/re2.h>

#include <algorithm>
#include <cstring>
#include <new>

struct obs_re2 {
    RE2 expression;
    obs_re2(re2::StringPiece pattern, const RE2::Options &options) : expression(pattern, options) {}
};

static re2::StringPiece piece(const void *bytes, size_t length) {
    return length == 0 ? re2::StringPiece("") : re2::StringPiece(static_cast<const char *>(bytes), length);
}

static obs_re2_fault fault_of(RE2::ErrorCode code) {
    switch (code) {
    case RE2::ErrorBadEscape: return obs_re2_escape;
    case RE2::ErrorBadCharClass: return obs_re2_class;
    case RE2::ErrorBadCharRange: return obs_re2_range;
    case RE2::ErrorMissingBracket: return obs_re2_bracket;
    case RE2::ErrorMissingParen: return obs_re2_parenthesis;
    case RE2::ErrorUnexpectedParen: return obs_re2_unexpected_parenthesis;
    case RE2::ErrorTrailingBackslash: return obs_re2_trailing_backslash;
    case RE2::ErrorRepeatArgument: return obs_re2_nothing_to_repeat;
    case RE2::ErrorRepeatSize: return obs_re2_repeated_too_often;
    case RE2::ErrorRepeatOp: return obs_re2_stacked_repeats;
    case RE2::ErrorBadPerlOp: return obs_re2_group;
    case RE2::ErrorBadNamedCapture: return obs_re2_group_name;
    case RE2::ErrorBadUTF8: return obs_re2_not_utf8;
    case RE2::ErrorPatternTooLarge: return obs_re2_too_large;
    default: return obs_re2_other;
    }
}

obs_re2 *obs_re2_compile(
    const void *pattern, size_t length, int64_t max_memory, bool captures, obs_re2_fault *fault, char *part, size_t part_capacity) {
    RE2::Options options;
    options.set_log_errors(false);
    options.set_never_capture(!captures);
    options.set_max_mem(max_memory);
    part[0] = 0;
    *fault = obs_re2_too_large;
    obs_re2 *made = nullptr;
    // No C++ exception may reach Swift; the only one there is here says that memory is short.
    try {
        made = new obs_re2(piece(pattern, length), options);
        if (made->expression.ok()) return made;
        *fault = fault_of(made->expression.error_code());
        const std::string &wrong = made->expression.error_arg();
        size_t kept = std::min(wrong.size(), part_capacity - 1);
        memcpy(part, wrong.data(), kept);
        part[kept] = 0;
    } catch (const std::bad_alloc &) {
    }
    delete made;
    return nullptr;
}

int obs_re2_program_size(const obs_re2 *expression) { return expression->expression.ProgramSize(); }

bool obs_re2_matches(const obs_re2 *expression, const void *text, size_t length) {
    return expression->expression.Match(piece(text, length), 0, length, RE2::ANCHOR_BOTH, nullptr, 0);
}

int obs_re2_groups(const obs_re2 *expression) { return expression->expression.NumberOfCapturingGroups(); }

void obs_re2_name_of_group(const obs_re2 *expression, int index, char *name, size_t capacity) {
    const auto &names = expression->expression.CapturingGroupNames();
    auto found = names.find(index);
    size_t kept = found == names.end() ? 0 : std::min(found->second.size(), capacity - 1);
    if (kept > 0) memcpy(name, found->second.data(), kept);
    name[kept] = 0;
}

bool obs_re2_capture(const obs_re2 *expression, const void *text, size_t length, int64_t *places, int groups) {
    re2::StringPiece found[obs_re2_max_groups + 1];
    if (groups > obs_re2_max_groups) return false;
    re2::StringPiece whole = piece(text, length);
    if (!expression->expression.Match(whole, 0, length, RE2::ANCHOR_BOTH, found, groups + 1)) return false;
    for (int index = 0; index < groups; index++) {
        const re2::StringPiece &part = found[index + 1];
        places[2 * index] = part.data() == nullptr ? -1 : part.data() - whole.data();
        places[2 * index + 1] = part.data() == nullptr ? -1 : places[2 * index] + (int64_t)part.size();
    }
    return true;
}

bool obs_re2_find(const obs_re2 *expression, const void *text, size_t length, size_t start, int64_t *places, int groups) {
    re2::StringPiece found[obs_re2_max_groups + 1];
    if (groups > obs_re2_max_groups || start > length) return false;
    re2::StringPiece whole = piece(text, length);
    if (!expression->expression.Match(whole, start, length, RE2::UNANCHORED, found, groups + 1)) return false;
    for (int index = 0; index <= groups; index++) {
        const re2::StringPiece &part = found[index];
        places[2 * index] = part.data() == nullptr ? -1 : part.data() - whole.data();
        places[2 * index + 1] = part.data() == nullptr ? -1 : places[2 * index] + (int64_t)part.size();
    }
    return true;
}

void obs_re2_free(obs_re2 *expression) { delete expression; }
