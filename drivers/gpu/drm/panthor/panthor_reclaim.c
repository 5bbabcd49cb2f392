// SPDX-License-Identifier: GPL-2.0 or MIT

/**
 * DOC: reclaim
 *
 * This file decides which GPU memory goes under memory pressure, and when. How
 * it goes (tearing mappings down, giving pages back) is the business of
 * panthor_evict.c, panthor_mmu.c and panthor_gem.c; the policy reaches that
 * mechanism only through struct panthor_reclaim_ops, which KUnit replaces.
 *
 * What is kept
 * ============
 *
 * Every BO is filed under one class (enum panthor_reclaim_class), which says
 * what it takes to evict it. panthor_reclaim_classify() computes the class from
 * the BO's state, panthor_reclaim_bo_file() files the BO, and nothing else
 * touches the lists or the counters. The mechanism calls the latter, with the
 * BO's resv and GPU mapping list locked, whenever one of the facts changed.
 *
 * Unused, mmapped and shared BOs are in one list each, coldest first. Private
 * BOs hang off their VM, because evicting them costs something per VM (is it
 * idle? one flush) and little per BO. VMs are in a list, coldest first: a VM
 * moves to the warm end when it gets a job and when it is made active. A BO
 * that comes back is filed anew and thereby at the warm end.
 *
 * What a scan does
 * ================
 *
 * A scan goes through the classes, cheapest first, and stops as soon as its
 * target is reached: it may overshoot by less than the last BO. All private BOs
 * of idle VMs go before any time is spent waiting. What is then left of the
 * scan's one budget of waiting time goes to the busy VM that is closest to
 * done: the one with the fewest unfinished fences, and among those the one
 * that got its last job first. A VM is waited for once in a scan at most.
 *
 * A scan's state (target, budget, results) is on its caller's stack. Its place
 * in a list is an entry of its own, a cursor, so that lists keep their order
 * and scans do not hide list members from each other. What a scan works on it
 * claims: one flag per BO or VM, set and cleared under the lock. Other scans
 * step over it and take the next one, so that two reclaimers both progress.
 *
 * Evicted pages are written to swap before the scan returns, after all locks
 * of the driver are released. What counts as reclaimed is what has left memory
 * by then or is under writeback, not what was merely unpinned. Without free
 * swap, or where I/O is not allowed, nothing is evicted at all: it could not
 * leave, and its owner would pay for nothing.
 *
 * Locks
 * =====
 *
 * Outside of reclaim the order is
 *
 *	VM resv, BO resv, BO gpuva lock, VM op_lock, AS slots lock.
 *
 * Memory is allocated with the first two held, so reclaim comes in from below
 * them: it trylocks resv, gpuva lock and op_lock, and steps over what it cannot
 * have. It may take the AS slots lock, with which nothing is ever allocated.
 * CPU mappings are torn down before the gpuva lock is taken (i_mmap_rwsem ranks
 * above it), and after the resv lock has been had, the fences have been found
 * signalled and the class has been found to be worth it.
 *
 * &panthor_reclaim.lock is a spinlock and ranks below all of these. It is held
 * for list operations only. The counters are written under it and read without
 * it: counting takes no lock.
 *
 * References
 * ==========
 *
 * Reclaim takes a reference on what it claims, under the lock, unless it is
 * being freed already. Neither list holds one: BOs and VMs are unlisted before
 * they are freed. Reclaim's reference on a BO may become the last one; freeing
 * a BO takes no sleeping lock. Its reference on a VM may, too, but freeing a VM
 * sleeps on locks under which memory is allocated, so the last reference goes
 * to a worker (&panthor_reclaim.put_work).
 *
 * Waiting
 * =======
 *
 * Waiting for a fence in reclaim is allowed as long as nobody allocates with
 * reclaim on the way to signalling it; the budget bounds what a mistake there
 * costs. Reclaim holds the VM's resv meanwhile, so that no job is added.
 */
