#pragma once
#include <alsa/asoundlib.h>

static void calsa_ignore(const char *file, int line, const char *function, int error, const char *format, ...) {
  (void)file, (void)line, (void)function, (void)error, (void)format;
}

// The handler is variadic, which Swift cannot write. Without one the library prints to standard error.
static inline void calsa_silence(void) { snd_lib_error_set_handler(calsa_ignore); }
