// SPDX-License-Identifier: GPL-2.0 or MIT

/*
 * Which of two requests for the memory of a client wins.
 *
 * Evicting all memory of a client takes time, in which the user may have come
 * back to it. So a request to bring the memory back ends those to evict it, waits
 * until they have stopped, which is soon, and keeps new ones out until it is done.
 * A submission ends them as well, but does not wait, and closing the file does.
 *
 * Requests to evict never wait for a client, so that it does not matter in which
 * order a request goes through the clients of a process.
 */

#include <linux/slab.h>

#include "panthor_reclaim_target.h"

/**
 * panthor_client_create() - Create what a newly opened file needs
 *
 * Context: Process context, sleeps.
 *
 * Return: The client with one reference, NULL if there is no memory.
 */
struct panthor_client *panthor_client_create(void)
{
	struct panthor_client *client = kzalloc_obj(*client);

	if (!client)
		return NULL;

	kref_init(&client->ref);
	spin_lock_init(&client->lock);
	init_waitqueue_head(&client->idle);

	return client;
}

static void release(struct kref *ref)
{
	kfree(container_of(ref, struct panthor_client, ref));
}

/**
 * panthor_client_put() - Drop a reference
 * @client: The client.
 *
 * Context: Any, does not sleep.
 */
void panthor_client_put(struct panthor_client *client)
{
	kref_put(&client->ref, release);
}

/**
 * panthor_client_cancel() - End the requests to evict the memory of a client
 * @client: The client, which has something to do.
 *
 * They end soon after this returns.
 *
 * Context: Any, does not sleep.
 */
void panthor_client_cancel(struct panthor_client *client)
{
	atomic_inc(&client->generation);
}

/**
 * panthor_client_close() - Tell that the file of a client goes
 * @client: The client, whose reference from the file is dropped.
 *
 * Context: Any, does not sleep.
 */
void panthor_client_close(struct panthor_client *client)
{
	panthor_client_cancel(client);
	panthor_client_put(client);
}

static void end_reclaim(struct panthor_client *client)
{
	spin_lock(&client->lock);
	if (!--client->reclaims)
		wake_up_all(&client->idle);
	spin_unlock(&client->lock);
}

static bool is_idle(struct panthor_client *client)
{
	bool idle;

	spin_lock(&client->lock);
	idle = !client->reclaims;
	spin_unlock(&client->lock);

	return idle;
}

/**
 * panthor_target_begin_reclaim() - Begin to evict the memory of a target
 * @target: The memory.
 *
 * Context: Any, does not sleep.
 *
 * Return: 0 on success, and panthor_target_end_reclaim() is due. -ECANCELED if
 * the memory is being brought back.
 */
int panthor_target_begin_reclaim(struct panthor_target *target)
{
	for (unsigned long i = 0; i < target->nr_clients; i++) {
		struct panthor_client *client = target->clients[i].client;
		bool claimed;

		spin_lock(&client->lock);
		claimed = client->claims;
		client->reclaims += !claimed;
		target->clients[i].generation = atomic_read(&client->generation);
		spin_unlock(&client->lock);
		if (!claimed)
			continue;

		while (i--)
			end_reclaim(target->clients[i].client);

		return -ECANCELED;
	}

	return 0;
}

/**
 * panthor_target_is_cancelled() - Tell whether evicting a target has to end
 * @target: The memory, between panthor_target_begin_reclaim() and _end_reclaim().
 *
 * Context: Any, does not sleep.
 *
 * Return: true if so.
 */
bool panthor_target_is_cancelled(const struct panthor_target *target)
{
	for (unsigned long i = 0; i < target->nr_clients; i++) {
		if (atomic_read(&target->clients[i].client->generation) !=
		    target->clients[i].generation)
			return true;
	}

	return false;
}

/**
 * panthor_target_end_reclaim() - Undo panthor_target_begin_reclaim()
 * @target: The memory, of which nothing is being evicted any more.
 *
 * Context: Any, does not sleep.
 */
void panthor_target_end_reclaim(struct panthor_target *target)
{
	for (unsigned long i = 0; i < target->nr_clients; i++)
		end_reclaim(target->clients[i].client);
}

/**
 * panthor_target_begin_claim() - Begin to bring the memory of a target back
 * @target: The memory.
 *
 * Context: Process context, no lock of the driver held. Sleeps until requests to
 * evict any of it have ended.
 *
 * Return: 0 on success, -ERESTARTSYS on a signal. panthor_target_end_claim() is
 * due in any case.
 */
int panthor_target_begin_claim(struct panthor_target *target)
{
	int ret = 0;

	for (unsigned long i = 0; i < target->nr_clients; i++) {
		struct panthor_client *client = target->clients[i].client;

		spin_lock(&client->lock);
		client->claims++;
		panthor_client_cancel(client);
		spin_unlock(&client->lock);
	}

	for (unsigned long i = 0; !ret && i < target->nr_clients; i++) {
		struct panthor_client *client = target->clients[i].client;

		ret = wait_event_interruptible(client->idle, is_idle(client));
	}

	return ret;
}

/**
 * panthor_target_end_claim() - Undo panthor_target_begin_claim()
 * @target: The memory.
 *
 * Context: Any, does not sleep.
 */
void panthor_target_end_claim(struct panthor_target *target)
{
	for (unsigned long i = 0; i < target->nr_clients; i++) {
		struct panthor_client *client = target->clients[i].client;

		spin_lock(&client->lock);
		client->claims--;
		spin_unlock(&client->lock);
	}
}
