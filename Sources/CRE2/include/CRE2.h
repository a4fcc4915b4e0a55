// RE2 behind C: its interface is C++, which Swift reads only with a switch that would spread to every room above.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// A compiled pattern. Never changed once made: any number of threads may match with it at once.
typedef struct obs_re2 obs_re2;

// Why a pattern is refused.
typedef enum {
    obs_re2_escape,
    obs_re2_class,
    obs_re2_range,
    obs_re2_bracket,
    obs_re2_parenthesis,
    obs_re2_unexpected_parenthesis,
    obs_re2_trailing_backslash,
    obs_re2_nothing_to_repeat,
    obs_re2_repeated_too_often,
    obs_re2_stacked_repeats,
    obs_re2_group,
    obs_re2_group_name,
    obs_re2_not_utf8,
    obs_re2_too_large,
    obs_re2_other,
} obs_re2_fault;

// Compiles a pattern, which and whose automata may take `max_memory` bytes. NULL when it is refused: then `fault` says why, and the first bytes of what is
// wrong in it stand in `part` (of `part_capacity` bytes, ended by a zero).
obs_re2 *_Nullable obs_re2_compile(
    const void *_Nullable pattern, size_t length, int64_t max_memory, obs_re2_fault *_Nonnull fault, char *_Nonnull part,
    size_t part_capacity);

// How many instructions the pattern has: a match takes at most so many steps a byte.
int obs_re2_program_size(const obs_re2 *_Nonnull expression);

// Whether the whole of a text is matched.
bool obs_re2_matches(const obs_re2 *_Nonnull expression, const void *_Nullable text, size_t length);

void obs_re2_free(obs_re2 *_Nonnull expression);

#ifdef __cplusplus
}
#endif
