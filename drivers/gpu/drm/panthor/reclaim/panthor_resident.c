// SPDX-License-Identifier: GPL-2.0 or MIT

/*
 * How the memory of a VM is brought back for a submission: the mechanism around
 * panthor_room.c, which see.
 *
 * Jobs assume that all that is bound in their VM is there. With the resvs held,
 * a submission only maps again what has pages. What has none it leaves to
 * panthor_resident_bring_back(), which holds no lock while it has room made
 * and reads from swap, and pins what it has brought back. The submission then
 * starts again from locking. What was resident at first may have been evicted
 * meanwhile if it was not a private BO of the VM. That is brought back and pinned
 * as well, so that each round leaves less to do.
 */

#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/swap.h>
#include <linux/vmstat.h>

#include <drm/drm_drv.h>
#include <drm/drm_gem.h>
#include <drm/drm_gpuvm.h>

#include "panthor_device.h"
#include "panthor_gem.h"
#include "panthor_mmu.h"
#include "panthor_reclaim_private.h"
#include "panthor_resident.h"

/*
 * Longer than a VM is kept and then has jobs that hang (JOB_TIMEOUT_MS) until
 * the GPU has been reset. Submissions yield for a second of it.
 */
#define GIVE_UP_NS	(30ull * NSEC_PER_SEC)

/* Rounds of locking and bringing back. One is usual, two happen. */
#define MAX_TRIES	64

/* What a round that lacks only small allocations asks for. */
#define SMALL_PAGES	(SZ_1M >> PAGE_SHIFT)

static struct panthor_device *to_ptdev(struct panthor_room *room)
{
	return container_of(room, struct panthor_device, room);
}

static unsigned long available(struct panthor_room *room)
{
	return si_mem_available();
}

static unsigned long swappable(struct panthor_room *room)
{
	unsigned long shmem = global_node_page_state(NR_SHMEM);

	/* BOs that never had pages count as well, so this is at most too much. */
	shmem -= min(shmem, panthor_reclaim_resident_pages(room->reclaim));

	return min(global_node_page_state(NR_ANON_MAPPED) + shmem,
		   panthor_reclaim_swap_pages(room->reclaim)) +
	       global_node_page_state(NR_SWAPCACHE);
}

static unsigned long swap_memory(struct panthor_room *room)
{
#if IS_ENABLED(CONFIG_ZSMALLOC)
	return global_zone_page_state(NR_ZSPAGES);
#else
	return 0;
#endif
}

static bool gone(struct panthor_room *room)
{
	return drm_dev_is_unplugged(&to_ptdev(room)->base);
}

static const struct panthor_room_ops room_ops = {
	.available = available,
	.swappable = swappable,
	.swap_memory = swap_memory,
	.gone = gone,
};

static void print_more(void *room, struct drm_printer *p)
{
	panthor_room_print(room, p);
}

/*
 * By how much mm raises the watermarks at most, for a while after it had to take
 * a page of another mobility's block (boost_watermark(), with the default of
 * vm.watermark_boost_factor): what si_mem_available() does not know, and what
 * makes an allocation that cannot swap anything out call the OOM killer.
 */
static unsigned long max_boost(void)
{
	unsigned long nr_pages = 0;
	int nid;

	for_each_online_node(nid) {
		const struct zone *zone = NODE_DATA(nid)->node_zones;

		for (int i = 0; i < MAX_NR_ZONES; i++)
			nr_pages += zone[i]._watermark[WMARK_HIGH] * 3 / 2;
	}

	return nr_pages;
}

/**
 * panthor_resident_init() - Prepare making room in a device's memory
 * @ptdev: Device. Neither BOs nor VMs exist yet.
 *
 * Context: Process context.
 */
void panthor_resident_init(struct panthor_device *ptdev)
{
	/*
	 * On top of what the watermarks reserve, which counts as not available. On
	 * a small machine that would be less than what they are raised by.
	 */
	unsigned long reserve = max(min(totalram_pages() / 64, SZ_64M >> PAGE_SHIFT),
				    max_boost() + (SZ_2M >> PAGE_SHIFT));

	panthor_room_init(&ptdev->room, ptdev->reclaim, &room_ops, reserve, GIVE_UP_NS);
	panthor_reclaim_set_print_more(ptdev->reclaim, print_more, &ptdev->room);
}

/**
 * panthor_resident_is_free() - Tell whether memory can be had without reclaim
 * @ptdev: Device.
 * @nr_pages: Number of pages.
 *
 * The reserve, what has been promised to visits, and what the watermarks are for
 * do not count as free.
 *
 * Context: Any, does not sleep.
 *
 * Return: true if so.
 */
bool panthor_resident_is_free(struct panthor_device *ptdev, unsigned long nr_pages)
{
	struct panthor_room *room = &ptdev->room;
	unsigned long needed = nr_pages + room->reserve, nr_free = 0;
	int nid;

	needed += max(atomic_long_read(&room->promised), 0L);
	needed += max(atomic_long_read(&room->queued), 0L);

	for_each_online_node(nid) {
		struct zone *zone = NODE_DATA(nid)->node_zones;

		for (int i = 0; i < MAX_NR_ZONES; i++) {
			unsigned long nr = zone_page_state(&zone[i], NR_FREE_PAGES);

			nr_free += nr - min(nr, high_wmark_pages(&zone[i]));
		}
	}

	return nr_free >= needed;
}

static struct panthor_room *room_of(struct panthor_vm *vm)
{
	return &container_of(panthor_vm_root_gem(vm)->dev, struct panthor_device, base)->room;
}

static void let_go(struct panthor_resident *resident)
{
	while (resident->nr_bos) {
		struct panthor_gem_object *bo = resident->bos[--resident->nr_bos];

		panthor_gem_unpin(bo);
		drm_gem_object_put(&bo->base);
	}
	kvfree(resident->bos);
	resident->bos = NULL;
}

/* Add what is missing to the pinned BOs, not pinned yet. Returns its size in pages. */
static long collect(struct panthor_resident *resident, u32 *nr_missing)
{
	struct panthor_gem_object **bos;
	unsigned long nr_pages = 0;
	u32 max, nr;

	max = panthor_vm_get_missing_bos(resident->vm, NULL, 0);
	*nr_missing = 0;
	if (!max)
		return 0;

	bos = kvmalloc_objs(*bos, resident->nr_bos + max);
	if (!bos)
		return -ENOMEM;

	nr = panthor_vm_get_missing_bos(resident->vm, bos + resident->nr_bos, max);
	*nr_missing = min(nr, max);
	for (u32 i = 0; i < *nr_missing; i++)
		nr_pages += bos[resident->nr_bos + i]->base.size >> PAGE_SHIFT;

	if (resident->nr_bos)
		memcpy(bos, resident->bos, resident->nr_bos * sizeof(*bos));
	kvfree(resident->bos);
	resident->bos = bos;

	return nr_pages;
}

static int pin_missing(struct panthor_resident *resident, u32 nr_missing, bool parts)
{
	int ret = 0;

	while (nr_missing && !ret) {
		struct panthor_gem_object *bo = resident->bos[resident->nr_bos];
		unsigned long absent = parts ? panthor_gem_absent_pages(bo) : 0;

		/* What is still in memory needs no room, the reserve neither. */
		if (absent)
			ret = panthor_room_get(&resident->visit, absent);
		if (!ret)
			ret = panthor_gem_pin_visit(bo, &resident->visit);
		if (!ret) {
			resident->nr_bos++;
			nr_missing--;
		}
	}

	for (u32 i = 0; i < nr_missing; i++)
		drm_gem_object_put(&resident->bos[resident->nr_bos + i]->base);

	return ret;
}

static int bring_back(struct panthor_resident *resident)
{
	struct panthor_room_visit *visit = &resident->visit;
	bool parts = false;
	u32 nr_missing;
	long nr_pages;
	int ret;

	nr_pages = collect(resident, &nr_missing);
	if (nr_pages < 0)
		return nr_pages;

	/* What is in the way of others while we wait for the turn has to go. */
	if (resident->nr_bos && !visit->has_turn)
		ret = -EAGAIN;
	else
		ret = panthor_room_get(visit, nr_pages ?: SMALL_PAGES);
	if (ret == -ENOMEM && nr_missing)
		parts = panthor_room_get_by_parts(visit, nr_pages);
	if (!ret || parts)
		return pin_missing(resident, nr_missing, parts);

	for (u32 i = 0; i < nr_missing; i++)
		drm_gem_object_put(&resident->bos[resident->nr_bos + i]->base);

	return ret;
}

/**
 * panthor_resident_begin() - Begin to have a VM's memory resident
 * @resident: State, uninitialized.
 * @vm: The VM that is about to get jobs.
 *
 * Context: Process context, no lock of the driver is held. Sleeps while somebody
 * else waits for memory in use.
 *
 * Return: 0 on success, -ERESTARTSYS on a signal, -ENODEV if the device is being
 * unplugged. panthor_resident_end() has to be called in any case.
 */
int panthor_resident_begin(struct panthor_resident *resident, struct panthor_vm *vm)
{
	struct panthor_reclaim_vm *rvm = panthor_vm_reclaim(vm);

	*resident = (struct panthor_resident) { .vm = panthor_vm_get(vm) };
	panthor_room_begin(room_of(vm), &resident->visit, rvm);

	return panthor_room_yield(room_of(vm), rvm);
}

/**
 * panthor_resident_bring_back() - Bring back what is missing in a VM
 * @resident: State.
 *
 * Context: Process context, no lock of the driver is held. Sleeps for room and
 * for swap I/O.
 *
 * Return: 0 if it is worth locking the VM again, -ENOMEM if the VM does not fit,
 * -ERESTARTSYS on a signal, -ENODEV if the device is being unplugged, -EIO if the
 * swap device could not be read.
 */
int panthor_resident_bring_back(struct panthor_resident *resident)
{
	int ret;

	if (resident->tries++ == MAX_TRIES)
		return -ENOMEM;

	ret = bring_back(resident);
	if (ret != -EAGAIN)
		return ret;

	let_go(resident);
	ret = panthor_room_take_turn(&resident->visit);

	return ret ?: bring_back(resident);
}

/**
 * panthor_resident_end() - Let go of a VM's memory
 * @resident: State.
 * @submitted: There are jobs, whose fences protect the memory from now on.
 *
 * Context: Process context, no lock of the driver is held. Takes resvs.
 */
void panthor_resident_end(struct panthor_resident *resident, bool submitted)
{
	let_go(resident);
	panthor_room_end(&resident->visit, submitted);
	panthor_vm_put(resident->vm);
}
