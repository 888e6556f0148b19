#pragma once
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <time.h>

// Thread functions that Swift's Glibc module does not export.

// Names the calling thread; at most 15 characters.
void cthreads_set_name(const char *name);

// Waits for a post, with a timeout on the monotonic clock. Returns 0 or -1.
int cthreads_wait(sem_t *semaphore, uint64_t nanoseconds);

// Waits until a thread has ended, with a timeout on the monotonic clock. Returns 0, or ETIMEDOUT, after which it may be
// called again.
int cthreads_join(pthread_t thread, uint64_t nanoseconds);

// The kernel's id of the calling thread.
int cthreads_id(void);

// Writes the ids of this process's threads, at most `capacity`; returns how many threads there are, or 0 without /proc.
// Async-signal-safe.
int cthreads_list(int *ids, int capacity);

// Gives a thread SCHED_FIFO with `priority`, or with 0 ordinary scheduling. Returns 0 or an error number.
int cthreads_set_priority(int id, int priority);

// Limits how long a thread with real-time priority may run without sleeping. One that exceeds the limit gets ordinary
// priority for good. Returns 0, or an error number if the system has no such limit. Only the first call has an effect.
int cthreads_limit_realtime(uint64_t microseconds);

// How many times a thread has lost its priority that way.
int cthreads_demotions(void);

// The time of a system clock. All clocks are read here.
struct timespec cthreads_now(clockid_t clock);
