#pragma once
#include <semaphore.h>
#include <stdint.h>
#include <time.h>

// What of the system's threads Swift's Glibc module leaves out.

// Names the calling thread; at most 15 characters.
void cthreads_set_name(const char *name);

// Waits for a post, at most so long on the monotonic clock. Returns 0 or -1.
int cthreads_wait(sem_t *semaphore, uint64_t nanoseconds);

// What a clock of the system shows: the one place that reads one.
struct timespec cthreads_now(clockid_t clock);
