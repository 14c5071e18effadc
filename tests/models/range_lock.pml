/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The range lock of drivers/vfio/type1x/range_lock.c, for spin(1): all that N tasks can do.
 *
 * Each task locks some cells of the IOVA space, perhaps unlocks a part of them early, and
 * unlocks the rest, ROUNDS times; KILLS times one of them is killed, whatever it is doing.
 * The spinlock is a variable, so that a task can be overtaken wherever the driver does not
 * hold it.  What is checked:
 *
 * - ranges that are held never overlap (R1);
 * - a range is granted only when every earlier one that overlaps it is gone (R2), so a
 *   waiter waits for nothing that came later;
 * - the blockers of a range are the earlier ranges that overlap it, at all times;
 * - no wakeup is lost: no state is reached in which a task sleeps forever.
 *
 * scripts/check/models also breaks it, by the names of the #ifdefs: each must be noticed.
 */
#ifndef N
#define N	3
#endif
#ifndef ROUNDS
#define ROUNDS	1
#endif
#ifndef KILLS
#define KILLS	1
#endif

bit tree_lock;		/* t1x_range_tree.lock */
byte seq;		/* t1x_range_tree.seq */

bool in_tree[N];
byte cells[N];		/* a bit for each cell of a range */
byte ticket[N];		/* t1x_range.seq */
byte blockers[N];
bool running[N];	/* the state of the task: false once it is to sleep */
bool killed[N];		/* fatal_signal_pending() */

#define OVERLAP(a, b)	((cells[a] & cells[b]) != 0)

inline spin_lock() { atomic { tree_lock == 0 -> tree_lock = 1 } }

inline spin_unlock() { tree_lock = 0 }

/* R1, R2 and what blockers are, for all ranges.  Called within a d_step. */
inline check()
{
	for (a : 0 .. N - 1) {
		count = 0;
		for (b : 0 .. N - 1) {
			if
			:: a != b && in_tree[a] && in_tree[b] && OVERLAP(a, b) &&
			   ticket[b] < ticket[a] -> count++
			:: else
			fi
		}
		assert(!in_tree[a] || blockers[a] == count)
	}
}

/* t1x_range_grant() */
inline grant(other)
{
	if
	:: ticket[other] > ticket[me] ->
		blockers[other]--;
		if
#ifndef WAKES_NOT
		:: blockers[other] == 0 -> running[other] = true
#endif
		:: else
		fi
	:: else
	fi
}

/*
 * t1x_range_remove().  What is of no use any more is forgotten, and tickets begin anew when
 * there is no range: that leaves fewer states that differ in nothing else.
 */
inline remove()
{
	d_step {
		in_tree[me] = false;
		for (b : 0 .. N - 1) {
			if
			:: in_tree[b] && OVERLAP(me, b) -> grant(b)
			:: else
			fi
		}
		check();
		ticket[me] = 0;
		blockers[me] = 0;
		cells[me] = 0;
		count = 0;
		for (b : 0 .. N - 1) {
			count = count + in_tree[b]
		}
		if
		:: count == 0 -> seq = 0
		:: else
		fi;
		a = 0; b = 0; count = 0
	}
}

/* t1x_range_overlaps() and the insertion of t1x_range_lock_state() */
inline insert()
{
	d_step {
		seq++;
		ticket[me] = seq;
		blockers[me] = 0;
		for (b : 0 .. N - 1) {
			if
#ifdef OVERTAKES
			:: in_tree[b] && OVERLAP(me, b) && blockers[b] == 0 -> blockers[me]++
#else
			:: in_tree[b] && OVERLAP(me, b) -> blockers[me]++
#endif
			:: else
			fi
		}
		in_tree[me] = true;
		check();
		a = 0; b = 0; count = 0
	}
}

/* t1x_range_trim(): to @part of what is locked. */
inline trim(part)
{
	spin_lock();
	d_step {
		for (b : 0 .. N - 1) {
			if
			:: b != me && in_tree[b] && OVERLAP(me, b) &&
			   (cells[b] & part) == 0 -> grant(b)
			:: else
			fi
		}
		cells[me] = part;
		check();
		a = 0; b = 0; count = 0
	}
	spin_unlock()
}

/* t1x_range_wait() */
inline wait()
{
	do
	:: blockers[me] == 0 -> break
	:: else ->
		if
		:: killed[me] ->
#ifdef LEAVES_SILENTLY
			in_tree[me] = false;
#else
			remove();
#endif
			got = false;
			break
		:: else
		fi;
#ifdef SLEEPS_LATE
		spin_unlock();
		running[me] = false;
#else
		running[me] = false;	/* set_current_state() */
		spin_unlock();
#endif
		/* schedule(), which does not sleep with a signal pending */
		running[me] || killed[me];
		spin_lock()
	od
}

proctype task(byte me)
{
	byte round, a, b, count;
	bool got;

	do
	:: round == ROUNDS || killed[me] -> break
	:: else ->
		round++;
		if
		:: cells[me] = 1
		:: cells[me] = 2
		:: cells[me] = 3
		:: cells[me] = 6
		:: cells[me] = 7
		fi;
		got = true;
		spin_lock();
		insert();
		wait();
		spin_unlock();
		if
		:: got ->
			/* Held.  The first cell, or the last ones, may be unlocked early. */
			d_step {
				for (b : 0 .. N - 1) {
					assert(b == me || !in_tree[b] || !OVERLAP(me, b) ||
					       ticket[b] > ticket[me])
				}
				b = 0
			}
			if
			:: cells[me] == 7 -> trim(6)
			:: cells[me] == 3 -> trim(1)
			:: true
			fi;
			spin_lock();
			remove();
			spin_unlock()
		:: else
		fi
	od
}

active proctype killer()
{
	byte kills, victim;

	do
	:: kills == KILLS -> break
	:: else ->
		kills++;
		select(victim : 0 .. N - 1);
		atomic {
			killed[victim] = true;
			running[victim] = true;
			victim = 0
		}
	od
}

init {
	byte i;

	atomic {
		for (i : 0 .. N - 1) {
			running[i] = true;
			run task(i)
		}
	}
}
