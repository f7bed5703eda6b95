// gptoss.h: the public interface of gpt-oss.c.
#ifndef GPTOSS_GPTOSS_H
#define GPTOSS_GPTOSS_H

#ifdef __cplusplus
extern "C" {
#endif

// ---- status ---------------------------------------------------------------------------------

typedef enum gptoss_status {
    GPTOSS_OK = 0,
    GPTOSS_BAD_ARGUMENT, // the caller's mistake: a value out of range, a handle in the wrong state
    GPTOSS_NO_MEMORY,    // an allocation failed, or a plan does not fit the limit that was given
    GPTOSS_NO_FILE,      // a file is missing or can't be read
    GPTOSS_BAD_FILE,     // a file's content is not what it must be
    GPTOSS_BAD_INPUT,    // JSON, ids or text given at run time are not what they must be
    GPTOSS_UNSUPPORTED,  // well-formed, but more than this build or machine can do
    GPTOSS_CANCELLED,    // gptoss_cancel was called
    GPTOSS_IO,           // reading or writing failed (full disk, closed pipe)
} gptoss_status;

// What went wrong, for a person: one line, no newline at its end. Filled when a function that takes
// one does not return GPTOSS_OK; may be NULL everywhere.
typedef struct gptoss_error {
    gptoss_status status;
    char message[504];
} gptoss_error;

#ifdef __cplusplus
}
#endif

#endif
