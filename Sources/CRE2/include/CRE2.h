// RE2 behind C: its interface is C++, which Swift reads only with a switch that would spread to every room above.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// The most groups of one pattern that capture.
enum { obs_re2_max_groups = 64 };

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
// wrong in it stand in `part` (of `part_capacity` bytes, ended by a zero). Without `captures` its groups only group.
obs_re2 *_Nullable obs_re2_compile(
    const void *_Nullable pattern, size_t length, int64_t max_memory, bool captures, obs_re2_fault *_Nonnull fault, char *_Nonnull part,
    size_t part_capacity);

// How many instructions the pattern has: a match takes at most so many steps a byte.
int obs_re2_program_size(const obs_re2 *_Nonnull expression);

// Whether the whole of a text is matched.
bool obs_re2_matches(const obs_re2 *_Nonnull expression, const void *_Nullable text, size_t length);

// How many groups capture.
int obs_re2_groups(const obs_re2 *_Nonnull expression);

// The name of the group `index` (from 1) in `name` (of `capacity` bytes, ended by a zero); empty where it has none.
void obs_re2_name_of_group(const obs_re2 *_Nonnull expression, int index, char *_Nonnull name, size_t capacity);

// Whether the whole of a text is matched; then `places` has the start and the end of the groups 1 to `groups`, -1 for one that took no part.
bool obs_re2_capture(
    const obs_re2 *_Nonnull expression, const void *_Nullable text, size_t length, int64_t *_Nonnull places, int groups);

// Looks for the first match in a text from `start` on; then `places` has its start and end, and behind them those of the groups 1 to `groups`, -1 for one that
// took no part.
bool obs_re2_find(
    const obs_re2 *_Nonnull expression, const void *_Nullable text, size_t length, size_t start, int64_t *_Nonnull places, int groups);

void obs_re2_free(obs_re2 *_Nonnull expression);

#ifdef __cplusplus
}
#endif
