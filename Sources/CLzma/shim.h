#include <lzma.h>

// The flag is a macro that Swift does not see.
static inline lzma_ret obs_lzma_decoder(lzma_stream *stream, uint64_t memlimit) {
    return lzma_stream_decoder(stream, memlimit, LZMA_CONCATENATED);
}
