// A pool that spins while a model step runs and sleeps between steps. The caller takes part 0; worker i takes part i.
// Spins are bounded: on a busy machine a descheduled worker must not hold a core hostage.

#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "CKernels.h"

enum { SPINS_BEFORE_SLEEP = 4000, SPINS_BEFORE_YIELD = 2000 };

struct ap_workers {
  int threads;
  pthread_t *ids;
  void (*body)(const void *, intptr_t, intptr_t);
  const void *context;
  _Atomic uint32_t round;     // a new value starts a job
  _Atomic uint32_t sleepers;  // workers waiting in the kernel
  _Atomic uint32_t pending;   // workers not done with this round
  _Atomic bool busy;          // a caller's job is on the workers
  _Atomic bool stop;
};

struct start {
  ap_workers *pool;
  int index;
};

static inline void relax(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

static void *work(void *argument) {
  struct start start = *(struct start *)argument;
  free(argument);
  ap_workers *pool = start.pool;
  uint32_t seen = 0;
  for (;;) {
    int spins = 0;
    while (atomic_load_explicit(&pool->round, memory_order_acquire) == seen) {
      if (++spins < SPINS_BEFORE_SLEEP) {
        relax();
        continue;
      }
      atomic_fetch_add(&pool->sleepers, 1);
      syscall(SYS_futex, &pool->round, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
      atomic_fetch_sub(&pool->sleepers, 1);
      spins = 0;
    }
    seen = atomic_load_explicit(&pool->round, memory_order_acquire);
    if (atomic_load_explicit(&pool->stop, memory_order_relaxed)) return NULL;
    pool->body(pool->context, start.index, pool->threads);
    atomic_fetch_sub_explicit(&pool->pending, 1, memory_order_release);
  }
}

ap_workers *ap_workers_create(int threads) {
  if (threads <= 1) return NULL;
  ap_workers *pool = calloc(1, sizeof *pool);
  pool->threads = threads;
  pool->ids = calloc((size_t)threads, sizeof *pool->ids);
  for (int i = 1; i < threads; i++) {
    struct start *start = malloc(sizeof *start);
    *start = (struct start){pool, i};
    if (pthread_create(&pool->ids[i], NULL, work, start) != 0) {
      // Fewer threads than asked for is slower, not wrong.
      free(start);
      pool->threads = i;
      break;
    }
  }
  return pool;
}

int ap_workers_count(const ap_workers *pool) { return pool ? pool->threads : 1; }

void ap_workers_run(ap_workers *pool, void (*body)(const void *, intptr_t, intptr_t), const void *context) {
  // A second caller does not wait for the first: it computes alone, with the same result.
  if (!pool || pool->threads == 1 || atomic_exchange_explicit(&pool->busy, true, memory_order_acquire)) {
    body(context, 0, 1);
    return;
  }
  pool->body = body;
  pool->context = context;
  atomic_store_explicit(&pool->pending, (uint32_t)pool->threads - 1, memory_order_relaxed);
  // Sequentially consistent, so that a worker about to sleep is either counted here or sees the new round.
  atomic_fetch_add(&pool->round, 1);
  if (atomic_load(&pool->sleepers)) syscall(SYS_futex, &pool->round, FUTEX_WAKE_PRIVATE, pool->threads, NULL, NULL, 0);
  body(context, 0, pool->threads);
  int spins = 0;
  while (atomic_load_explicit(&pool->pending, memory_order_acquire)) {
    if (++spins < SPINS_BEFORE_YIELD) {
      relax();
    } else {
      sched_yield();
    }
  }
  atomic_store_explicit(&pool->busy, false, memory_order_release);
}

void ap_workers_destroy(ap_workers *pool) {
  if (!pool) return;
  atomic_store(&pool->stop, true);
  atomic_fetch_add(&pool->round, 1);
  syscall(SYS_futex, &pool->round, FUTEX_WAKE_PRIVATE, pool->threads, NULL, NULL, 0);
  for (int i = 1; i < pool->threads; i++) pthread_join(pool->ids[i], NULL);
  free(pool->ids);
  free(pool);
}
