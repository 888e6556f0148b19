#pragma once
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <time.h>

// What of the system's threads Swift's Glibc module leaves out.

// Names the calling thread; at most 15 characters.
void cthreads_set_name(const char *name);

// Waits for a post, at most so long on the monotonic clock. Returns 0 or -1.
int cthreads_wait(sem_t *semaphore, uint64_t nanoseconds);

// Waits until a thread has ended, at most so long on the monotonic clock. Returns 0, or ETIMEDOUT: then it can be asked
// again.
int cthreads_join(pthread_t thread, uint64_t nanoseconds);

// The number by which the kernel knows the calling thread.
int cthreads_id(void);

// Writes the numbers of this process's threads, at most `capacity`; returns how many there are, or 0 without /proc.
// Async-signal-safe.
int cthreads_list(int *ids, int capacity);

// Gives a thread SCHED_FIFO of `priority`, or takes it away with 0. Returns 0 or an error number.
int cthreads_set_priority(int id, int priority);

// Limits how long a thread with real-time priority may run without sleeping. One that runs longer gets ordinary priority
// for good. Returns 0, or an error number where the system has no such limit. The second call and later ones do nothing.
int cthreads_limit_realtime(uint64_t microseconds);

// How many times priority was taken away since then.
int cthreads_demotions(void);

// What a clock of the system shows: the one place that reads one.
struct timespec cthreads_now(clockid_t clock);
