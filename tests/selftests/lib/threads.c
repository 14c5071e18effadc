// SPDX-License-Identifier: GPL-2.0
/*
 * Has threads do several things at the same time. The threads stay: one that is made when there
 * is something to do begins when the one before may have ended.
 */
#include <pthread.h>
#include <semaphore.h>

#include "test.h"
#include "threads.h"

static struct {
	sem_t wake[THREADS_MAX];
	sem_t over;
	/* Passed when all that were woken run. */
	pthread_barrier_t start;
	void (*one)(unsigned int nr);
} work;

static unsigned int nr_threads;

static void wait_for(sem_t *sem)
{
	/* A signal may interrupt it. */
	while (sem_wait(sem))
		;
}

static void *serve(void *arg)
{
	unsigned int nr = (long)arg;

	for (;;) {
		wait_for(&work.wake[nr]);
		pthread_barrier_wait(&work.start);
		work.one(nr);
		sem_post(&work.over);
	}
	return NULL;
}

static void make_threads(unsigned int n)
{
	pthread_t thread;

	if (!nr_threads)
		assert_eq(sem_init(&work.over, 0, 0), 0);
	for (; nr_threads < n; nr_threads++) {
		assert_eq(sem_init(&work.wake[nr_threads], 0, 0), 0);
		assert_eq(pthread_create(&thread, NULL, serve, (void *)(long)nr_threads), 0);
	}
}

/**
 * threads_do() - do things at the same time
 * @n: how many, at most THREADS_MAX
 * @one: does one; gets its number, from 0 on
 *
 * Returns when all are done. A child of fork() has none of the threads, and must not call it.
 */
void threads_do(unsigned int n, void (*one)(unsigned int nr))
{
	unsigned int i;

	assert_le(n, THREADS_MAX);
	make_threads(n);
	assert_eq(pthread_barrier_init(&work.start, NULL, n), 0);
	work.one = one;
	for (i = 0; i < n; i++)
		sem_post(&work.wake[i]);
	for (i = 0; i < n; i++)
		wait_for(&work.over);
	pthread_barrier_destroy(&work.start);
}
